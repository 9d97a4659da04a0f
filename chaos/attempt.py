"""Runs one try: a client, restarts of a killed emulator, a power loss, and a deadline."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Literal

from . import client
from .disks import wait_until_stopped
from .processes import CONTEXT, Child

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from .disks import Disk
    from .service import Service

# Seconds for a hanging process to print its stacks.
STACKS_SECONDS = 1.0

Ending = Literal["succeeded", "failed", "killed", "lost power", "hung", "crashed"]


@dataclass
class Attempt:
    """Result of one try.

    :param outcome: The client's report, if it sent one.
    :param deaths: Number of times the emulator died.
    """

    ending: Ending
    outcome: client.Outcome
    deaths: int


def attempt(order: client.Order, service: Service, disk: Disk, deadline: float) -> Attempt:
    """Run one try of a transfer.

    :param deadline: Seconds after which the client counts as hanging.
    """
    receiving, sending = CONTEXT.Pipe(duplex=False)
    process = Child(client.run, order, sending)
    sending.close()
    end, deaths = time.monotonic() + deadline, 0
    try:
        while True:
            ready = wait([receiving, service.sentinel], max(0.0, end - time.monotonic()))
            if receiving in ready:
                return Attempt(*_ended(order, receiving, process, disk, end), deaths)
            if not ready:
                _show_stacks(process)
                return Attempt("hung", client.Outcome("it hangs"), deaths)
            deaths += 1
            time.sleep(order.trouble.pause)
            service.run()
    finally:
        process.kill()
        receiving.close()


def _ended(
    order: client.Order, receiving: Connection, process: Child, disk: Disk, end: float
) -> tuple[Ending, client.Outcome]:
    """Return how a client ended that has sent a message or closed its pipe."""
    try:
        message = receiving.recv()
    except EOFError:
        code = process.exit_code()
        return "killed" if code == -signal.SIGKILL else "crashed", client.Outcome(f"exit code {code}")
    if message == client.POWER:
        wait_until_stopped(process.pid)
        disk.capture(commit=order.plan.commits)
        process.kill()
        disk.lose_power()
        return "lost power", client.Outcome(client.POWER)
    if process.exit_code(max(0.0, end - time.monotonic())) is None:
        _show_stacks(process)
        return "hung", client.Outcome("it does not end")
    return "failed" if message.error else "succeeded", message


def _show_stacks(process: Child) -> None:
    """Let a process print the stacks of its threads."""
    os.kill(process.pid, signal.SIGUSR1)
    time.sleep(STACKS_SECONDS)
