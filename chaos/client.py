"""One try of a transfer, in a process of its own that may not live to its end."""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
import tempfile
import threading
import traceback
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

from airflow_provider_taskcluster.common.retry import RetryPolicy
from airflow_provider_taskcluster.exceptions import TaskclusterError
from airflow_provider_taskcluster.hooks.base import guessed_type
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.transfer.download import receiver

from .ground import CONNECTION
from .plan import RECORD, Trouble
from .processes import settle_in
from .steps import stop_at, stop_when_moved
from .transfers import TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from .ground import Ground
    from .plan import End, Plan

# Seconds of silence that end a request: few where faults are silent, enough on a busy machine where there are none.
TROUBLED_TIMEOUT = 1.0
TIMEOUT = 120.0
# Seconds before another try of a request.
WAIT = 0.1
# Sent in place of an outcome when the machine of the client is about to lose power.
POWER = "power"


@dataclass(frozen=True)
class Outcome:
    """How a try ended that nobody ended.

    :param error: Empty for a success.
    :param ours: It is a ``TaskclusterError``.
    :param read: The sha256 of what was read, by name, where it went to no file.
    """

    error: str = ""
    ours: bool = True
    read: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """What a client is to do.

    :param verb: ``prepare`` or ``move``.
    :param largest_file: Bytes that a file may grow to, in place of a full disk; None for no limit.
    """

    plan: Plan
    ground: Ground
    verb: str
    trouble: Trouble = field(default_factory=Trouble)
    largest_file: int | None = None


def run(order: Order, outcomes: Connection) -> None:
    """Do it, and send the outcome."""
    _settle_in(order)
    _arm(order.trouble.end, outcomes)
    outcomes.send(_outcome(order))


def warm_up() -> None:
    """Load what is else loaded with the first transfer of a process."""
    fields = {
        "conn_type": "taskcluster",
        "host": "http://127.0.0.1:1",
        "login": "nobody",
        "password": "nothing",
        "extra": {},
    }
    os.environ["AIRFLOW_CONN_CHAOS_WARM"] = json.dumps(fields)
    _ = TaskclusterHook("chaos_warm").settings
    get_hook_lineage_collector()  # type: ignore[no-untyped-call]  # Airflow's
    guessed_type("")


def _settle_in(order: Order) -> None:
    ground, troubled = order.ground, order.trouble != Trouble()
    settle_in(ground.output)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("airflow_provider_taskcluster").setLevel(logging.DEBUG)
    timeout = TROUBLED_TIMEOUT if troubled else TIMEOUT
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = ground.connection(read_timeout=timeout)
    os.environ["TMPDIR"] = tempfile.tempdir = str(ground.temporary)
    RetryPolicy.wait_seconds = lambda *_: WAIT  # type: ignore[method-assign]  # time passes faster here,
    receiver.RECORD_BYTES = RECORD  # and files are smaller
    if order.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, order.largest_file))


def _arm(end: End | None, outcomes: Connection) -> None:
    """Prepare what ends this process."""
    if end is None:
        return
    stop = partial(_freeze, outcomes) if end.power else _die
    match end.trigger:
        case "steps":
            stop_at(int(end.at), stop)
        case "bytes":
            stop_when_moved(int(end.at), stop)
        case "seconds":
            timer = threading.Timer(end.at, stop)
            timer.daemon = True
            timer.start()


def _outcome(order: Order) -> Outcome:
    transfer = TRANSFERS[order.plan.kind.name](order.plan, order.ground)
    try:
        found = getattr(transfer, order.verb)(TaskclusterHook(CONNECTION))
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is the outcome)
        traceback.print_exc(file=sys.stderr)
        return Outcome(f"{type(error).__name__}: {error}", isinstance(error, TaskclusterError))
    return Outcome(read=found or {})


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _freeze(outcomes: Connection) -> None:
    """Stop all threads where they are; what the disk has then is what a power loss would leave."""
    outcomes.send(POWER)
    os.kill(os.getpid(), signal.SIGSTOP)
