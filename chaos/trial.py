"""One transfer from its preparation to the last check."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from . import invariants
from .attempt import Attempt, attempt
from .client import Order
from .disks import disk
from .ground import Ground, task_id
from .held import Held
from .plan import Trouble
from .report import Tally
from .service import Service
from .transfers import TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .disks import Disk
    from .plan import Plan

PEACE = Trouble()
# Least that a file may grow to where that stands for a full disk: the client writes its log, too.
LEAST_LIMIT = 256 * 1024


class TrialBroken(Exception):
    """The chaos run itself does not work: nothing is said about the product."""


def run(plan: Plan, folder: Path, deadline: float) -> Tally:
    """Run one transfer; return what was done, and what was violated.

    :param folder: Made, and left for the caller to remove.
    :param deadline: Seconds that a try may take.
    """
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(contextlib.closing(disk(plan.disk, folder / "disk")))
        service = stack.enter_context(contextlib.closing(Service(folder / "emulator")))
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=20)
        ground = Ground(folder, task_id(plan), expires, *service.run())
        trial = _Trial(plan, ground, place, service, deadline)
        trial.run()
        return trial.tally


class _Trial:
    def __init__(self, plan: Plan, ground: Ground, place: Disk, service: Service, deadline: float) -> None:
        self.tally = Tally()
        self._plan = plan
        self._ground = ground
        self._disk = place
        self._service = service
        self._deadline = deadline
        self._transfer = TRANSFERS[plan.kind.name](plan, ground)
        self._held = Held(ground.state / "data")
        self._upload_ids: set[str] = set()
        self._incidents = 0
        self._answers_may_be_lost = False

    def run(self) -> None:
        """Make the transfer, and check everything."""
        self._prepare()
        before = self._service.traffic.counts().moved
        if self._succeeds():
            moved = self._service.traffic.counts().moved - before
            self._claim(invariants.bounded(self._transfer, moved, self._incidents))
            self._after_success()
        self._claim(invariants.no_secrets(self._ground, self._upload_ids))
        self.tally.transfers = 1

    def _prepare(self) -> None:
        for folder in (self._ground.destination, self._ground.temporary):
            folder.mkdir()
        prepared = attempt(Order(self._plan, self._ground, "prepare"), self._service, self._disk, self._deadline)
        if prepared.ending != "succeeded":
            raise TrialBroken(f"preparing {self._plan} failed: {prepared.outcome.error}")
        self._disk.settle()

    def _succeeds(self) -> bool:
        """Try until it succeeds, at last without any trouble."""
        for trouble in (*self._plan.troubles, PEACE):
            tried = self._try(trouble)
            if tried.ending == "succeeded":
                return True
        if self._answers_may_be_lost and self._transfer.may_be_lost(self._held):
            self.tally.lost_names += 1
        else:
            self._claim([f"nothing befell the last try, and it {tried.ending}: {tried.outcome.error}"])
        return False

    def _after_success(self) -> None:
        """Lose power, make the transfer once more, and sweep what kills have left."""
        if self._disk.loses_power:
            self._disk.capture(commit=self._plan.commits)
            self._disk.lose_power()
            self.tally.power_losses += 1
            self._check("when power was lost after the success")
        if self._plan.again:
            self._must_succeed("once more")
        if invariants.strays(self._transfer):
            invariants.make_older(self._ground.disk)
            self._must_succeed("a day later")
            if left := invariants.strays(self._transfer):
                self._claim([f"files are left that nobody sweeps after a day: {sorted(left)}"])

    def _must_succeed(self, when: str) -> None:
        tried = self._try(PEACE)
        if tried.ending != "succeeded":
            self._claim([f"the same transfer {when} {tried.ending}: {tried.outcome.error}"])

    def _try(self, trouble: Trouble) -> Attempt:
        if trouble.room is not None:
            self._disk.fill(trouble.room)
        self._service.run(trouble.strikes)
        kept, before = self._transfer.kept(self._held), self._service.traffic.counts()
        limit = max(trouble.room or 0, LEAST_LIMIT) if trouble.room is not None and self._disk.limits_files else None
        order = Order(self._plan, self._ground, "move", trouble, limit)
        tried = attempt(order, self._service, self._disk, self._deadline)
        self._disk.free()
        after = self._service.traffic.counts()
        self._count(trouble, tried, after.struck - before.struck)
        self._upload_ids |= self._held.upload_ids()
        self._claim(invariants.right_answer(self._transfer, tried.outcome))
        if tried.ending in {"hung", "crashed"}:
            self._claim([f"the client {tried.ending}: {tried.outcome.error}"])
        if trouble == PEACE and not self.tally.power_losses:
            self._claim(invariants.resumed(self._transfer, kept, after.moved - before.moved))
        self._check("after a success" if tried.ending == "succeeded" else "")
        return tried

    def _check(self, success: str) -> None:
        """Look at what there is.

        :param success: Says after what all of it must be there; empty if nothing must be.
        """
        self._claim(invariants.right_files(self._transfer))
        self._claim(invariants.right_objects(self._transfer, self._held))
        if success:
            self._claim(invariants.all_there(self._transfer, self._held, success))

    def _count(self, trouble: Trouble, tried: Attempt, struck: int) -> None:
        tally = self.tally
        tally.tries += 1
        tally.client_kills += tried.ending == "killed"
        tally.emulator_kills += tried.deaths
        tally.faults += struck
        tally.full_disks += trouble.room is not None
        tally.power_losses += tried.ending == "lost power"
        self._incidents += struck + tried.deaths + (tried.ending != "succeeded")
        if struck or tried.deaths or tried.ending in {"killed", "lost power"}:
            self._answers_may_be_lost = True

    def _claim(self, violations: Iterable[str]) -> None:
        self.tally.violations += [
            f"transfer {self._plan.number} ({self._plan.kind.name}): {text}" for text in violations
        ]
