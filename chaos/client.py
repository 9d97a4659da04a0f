"""Process of one try of a transfer, which may be killed before its end."""

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

from .plan import RECORD, Trouble
from .processes import set_up_child
from .steps import stop_at, stop_when_moved
from .transfers import TRANSFERS
from .workspace import CONNECTION

if TYPE_CHECKING:
    from collections.abc import Mapping
    from multiprocessing.connection import Connection

    from .plan import End, Plan
    from .workspace import Workspace

# Seconds of silence after which a request fails: short with faults, which can stall; long without, for a busy machine.
TROUBLED_TIMEOUT = 1.0
TIMEOUT = 120.0
# Seconds between two tries of a request.
WAIT = 0.1
# Sent in place of an outcome when the client's machine is about to lose power.
POWER = "power"


@dataclass(frozen=True)
class Outcome:
    """Outcome of a try that was not killed.

    :param error: The error; empty for a success.
    :param ours: Whether the error is a ``TaskclusterError``.
    :param read: The sha256 of the content that was read without being written to a file, by name.
    """

    error: str = ""
    ours: bool = True
    read: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Order:
    """Instructions for a client.

    :param verb: The method of the transfer to call, ``prepare`` or ``move``.
    :param largest_file: Largest size of a file in bytes, in place of a full disk; None for no limit.
    """

    plan: Plan
    workspace: Workspace
    verb: str
    trouble: Trouble = field(default_factory=Trouble)
    largest_file: int | None = None


def run(order: Order, outcomes: Connection) -> None:
    """Carry out an order, and send the outcome."""
    _configure(order)
    _arm(order.trouble.end, outcomes)
    outcomes.send(_outcome(order))


def warm_up() -> None:
    """Load all that the first transfer of a process would load."""
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


def _configure(order: Order) -> None:
    """Set up this process: its output, log levels, connection and limits."""
    workspace, troubled = order.workspace, order.trouble != Trouble()
    set_up_child(workspace.output)
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("airflow_provider_taskcluster").setLevel(logging.DEBUG)
    timeout = TROUBLED_TIMEOUT if troubled else TIMEOUT
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = workspace.connection(read_timeout=timeout)
    os.environ["TMPDIR"] = tempfile.tempdir = str(workspace.temporary)
    RetryPolicy.wait_seconds = lambda *_: WAIT  # type: ignore[method-assign]  # shorter waits,
    receiver.RECORD_BYTES = RECORD  # and more frequent checkpoints, since files are smaller here
    if order.largest_file is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (order.largest_file, order.largest_file))


def _arm(end: End | None, outcomes: Connection) -> None:
    """Arrange the end of this process."""
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
    transfer = TRANSFERS[order.plan.kind.name](order.plan, order.workspace)
    try:
        read = getattr(transfer, order.verb)(TaskclusterHook(CONNECTION))
    except BaseException as error:  # noqa: BLE001 (any error is an outcome)
        traceback.print_exc(file=sys.stderr)
        return Outcome(f"{type(error).__name__}: {error}", isinstance(error, TaskclusterError))
    return Outcome(read=read or {})


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _freeze(outcomes: Connection) -> None:
    """Stop all threads at once, so that the disk can be captured as a power loss would leave it."""
    outcomes.send(POWER)
    os.kill(os.getpid(), signal.SIGSTOP)
