"""Emulator in a process of its own, which can be killed and restarted at the same addresses with the same state."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
from typing import TYPE_CHECKING, NamedTuple

from airflow_provider_taskcluster.emulator import Emulator

from .faults import Script
from .processes import CONTEXT, Child, set_up_child
from .traffic import Traffic

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from .strikes import Strike

# Below the ephemeral ports, so that no other process gets a port of ours between two runs of the emulator.
PORTS = range(12_000, 32_000)
START_SECONDS = 120

_given_out: set[int] = set()


class Address(NamedTuple):
    """Root URL of an emulator, and credentials with all scopes."""

    root_url: str
    client_id: str
    access_token: str


class Service:
    """One emulator over all its restarts.

    :param folder: Folder of its state.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._ports = (free_port(), free_port())
        self._traffic = Traffic(folder / "traffic")
        self._strikes: Sequence[Strike] | None = None
        self._process: Child | None = None
        self._address: Address

    @property
    def traffic(self) -> Traffic:
        """Counter of the bytes that the store moved."""
        return self._traffic

    @property
    def sentinel(self) -> int:
        """Handle that becomes ready when the emulator dies."""
        assert self._process is not None
        return self._process.sentinel

    def run(self, strikes: Sequence[Strike] = ()) -> Address:
        """Start the emulator with these faults, unless it already runs without any and needs none."""
        running = self._process is not None and self._process.exit_code(timeout=0) is None
        if running and not strikes and not self._strikes:
            return self._address
        self.kill()
        receiving, sending = CONTEXT.Pipe(duplex=False)
        self._process = Child(serve, self._folder, self._ports, tuple(strikes), sending)
        sending.close()
        with receiving, contextlib.suppress(EOFError):
            if receiving.poll(START_SECONDS):
                self._address = Address(*receiving.recv())
                self._strikes = strikes
                return self._address
        raise RuntimeError(f"the emulator did not start: see {self._folder}")

    def kill(self) -> None:
        """Kill the emulator."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Kill the emulator for good."""
        self.kill()
        self._traffic.close()


def serve(folder: Path, ports: tuple[int, int], strikes: Sequence[Strike], started: Connection) -> None:
    """Run the emulator until it is killed."""
    set_up_child(folder / "log.txt")
    traffic = Traffic(folder / "traffic")
    emulator = Emulator(port=ports[0], store_port=ports[1], data_dir=folder / "data")
    store, services = ([s for s in strikes if s.service is of_service] for of_service in (False, True))
    emulator.faults = Script(store, traffic, counts_bytes=True)
    emulator.api_faults = Script(services, traffic, counts_bytes=False)
    with emulator:
        started.send((emulator.root_url, emulator.client_id, emulator.access_token))
        threading.Event().wait()


def free_port() -> int:
    """Return a free port that was not returned before."""
    while True:
        port = random.SystemRandom().choice(PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            if port not in _given_out:
                _given_out.add(port)
                return port
