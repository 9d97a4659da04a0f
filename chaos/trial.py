"""Runs one transfer from its preparation to the last check."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from . import invariants
from .attempt import Attempt, attempt
from .client import Order
from .disks import make_disk
from .emulator_state import EmulatorState
from .plan import Trouble
from .report import Tally
from .service import Service
from .transfers import TRANSFERS
from .workspace import Workspace, task_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from .disks import Disk
    from .plan import Plan

NO_TROUBLE = Trouble()
# Least limit on the size of files in place of a full disk, since it also applies to the client's log.
LEAST_LIMIT = 256 * 1024


class TrialBroken(Exception):
    """The chaos run itself failed, which says nothing about the product."""


def run(plan: Plan, folder: Path, deadline: float) -> Tally:
    """Run one transfer and return its counts and violations.

    :param folder: Folder to create; the caller removes it.
    :param deadline: Most seconds that a try may take.
    """
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        disk = stack.enter_context(contextlib.closing(make_disk(plan.disk, folder / "disk")))
        service = stack.enter_context(contextlib.closing(Service(folder / "emulator")))
        expires = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=20)
        workspace = Workspace(folder, task_id(plan), expires, *service.run())
        trial = _Trial(plan, workspace, disk, service, deadline)
        trial.run()
        return trial.tally


class _Trial:
    def __init__(self, plan: Plan, workspace: Workspace, disk: Disk, service: Service, deadline: float) -> None:
        self.tally = Tally()
        self._plan = plan
        self._workspace = workspace
        self._disk = disk
        self._service = service
        self._deadline = deadline
        self._transfer = TRANSFERS[plan.kind.name](plan, workspace)
        self._state = EmulatorState(workspace.state / "data")
        self._upload_ids: set[str] = set()
        self._incidents = 0
        self._answers_may_be_lost = False

    def run(self) -> None:
        """Run the transfer and all checks."""
        self._prepare()
        before = self._service.traffic.counts().moved
        if self._succeeds():
            moved = self._service.traffic.counts().moved - before
            self._claim(invariants.bounded(self._transfer, moved, self._incidents))
            self._after_success()
        self._claim(invariants.no_secrets(self._workspace, self._upload_ids))
        self.tally.transfers = 1

    def _prepare(self) -> None:
        for folder in (self._workspace.destination, self._workspace.temporary):
            folder.mkdir()
        prepared = attempt(Order(self._plan, self._workspace, "prepare"), self._service, self._disk, self._deadline)
        if prepared.ending != "succeeded":
            raise TrialBroken(f"preparing {self._plan} failed: {prepared.outcome.error}")
        self._disk.sync()

    def _succeeds(self) -> bool:
        """Try until a success, at last without trouble; return whether a try succeeded."""
        for trouble in (*self._plan.troubles, NO_TROUBLE):
            tried = self._try(trouble)
            if tried.ending == "succeeded":
                return True
        if self._answers_may_be_lost and self._transfer.may_be_lost(self._state):
            self.tally.lost_names += 1
        else:
            self._claim([f"nothing befell the last try, and it {tried.ending}: {tried.outcome.error}"])
        return False

    def _after_success(self) -> None:
        """Lose power, repeat the transfer, and check that files left by kills are removed after a day."""
        if self._disk.loses_power:
            self._disk.capture(commit=self._plan.commits)
            self._disk.lose_power()
            self.tally.power_losses += 1
            self._check("when power was lost after the success")
        if self._plan.again:
            self._must_succeed("once more")
        if invariants.strays(self._transfer):
            invariants.make_older(self._workspace.disk)
            self._must_succeed("a day later")
            if left := invariants.strays(self._transfer):
                self._claim([f"files are left that nobody sweeps after a day: {sorted(left)}"])

    def _must_succeed(self, when: str) -> None:
        tried = self._try(NO_TROUBLE)
        if tried.ending != "succeeded":
            self._claim([f"the same transfer {when} {tried.ending}: {tried.outcome.error}"])

    def _try(self, trouble: Trouble) -> Attempt:
        if trouble.room is not None:
            self._disk.fill(trouble.room)
        self._service.run(trouble.strikes)
        kept, before = self._transfer.kept(self._state), self._service.traffic.counts()
        limit = max(trouble.room or 0, LEAST_LIMIT) if trouble.room is not None and self._disk.limits_files else None
        order = Order(self._plan, self._workspace, "move", trouble, limit)
        tried = attempt(order, self._service, self._disk, self._deadline)
        self._disk.free()
        after = self._service.traffic.counts()
        self._count(trouble, tried, after.struck - before.struck)
        self._upload_ids |= self._state.upload_ids()
        self._claim(invariants.right_outcome(self._transfer, tried.outcome))
        if tried.ending in {"hung", "crashed"}:
            self._claim([f"the client {tried.ending}: {tried.outcome.error}"])
        if trouble == NO_TROUBLE and not self.tally.power_losses:
            self._claim(invariants.resumed(self._transfer, kept, after.moved - before.moved))
        self._check("after a success" if tried.ending == "succeeded" else "")
        return tried

    def _check(self, success: str) -> None:
        """Check files, objects and artifacts.

        :param success: When they must be complete, for the message; empty if they need not be.
        """
        self._claim(invariants.right_files(self._transfer))
        self._claim(invariants.right_objects(self._transfer, self._state))
        if success:
            self._claim(invariants.complete(self._transfer, self._state, success))

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
