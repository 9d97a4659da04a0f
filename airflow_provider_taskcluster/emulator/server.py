"""The emulator as a whole: state, services, and two HTTP servers in one thread."""

from __future__ import annotations

import contextlib
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

from .api.app import api
from .api.table import operations
from .auth.accounts import ROOT_CLIENT, Accounts
from .auth.hawk import Authenticator
from .bulk import Bulk
from .clock import Clock
from .context import Context
from .database import Database
from .journal import Journal, Journaling
from .outbox import Outbox
from .services import Services
from .serving import ServerThread, server
from .settings import Settings
from .store import Store
from .store.app import StoreApp
from .store.faults import Faults, Faulty
from .store.wire import Wires

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from .api.app import Observer

STATE = "state.sqlite"
# Every read runs the whole server stack: fewer and larger reads more than double the speed of a PUT.
RECEIVE_BUFFER = 1 << 20


class CannotListenError(OSError):
    """The emulator cannot listen at an address or port."""


class Emulator:
    """Taskcluster on this machine, from ``with Emulator() as tc:`` until the end of the block.

    ``tc.root_url``, ``tc.client_id`` and ``tc.access_token`` are what a client needs (its scopes are ``*``);
    ``tc.store_url`` is the address of the store. ``data_dir`` keeps the state, credentials included, for the
    next start, readable for its owner alone (0700); without it the state is removed at the end. Ports default to
    free ones. ``outbox`` is a file to which each notification is appended as a line of JSON.

    For tests: ``tc.clock`` can be set forward, ``tc.journal`` has every request, ``tc.outbox`` has every notification
    that the notify service sent, ``tc.faults`` injects faults into the store and ``tc.api_faults`` into the API,
    ``tc.observers`` are called with each successful response, ``tc.bulk`` creates and changes tasks by the thousand.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        store_port: int = 0,
        data_dir: str | Path | None = None,
        outbox: str | Path | None = None,
        settings: Settings | None = None,
    ) -> None:
        self.settings = settings or Settings()
        self.clock = Clock()
        self.journal = Journal()
        self.outbox = Outbox(outbox)
        self.faults = Faults()
        self.api_faults = Faults()
        self.observers: list[Observer] = []
        self._host, self._port, self._store_port = host, port, store_port
        self._data_dir = data_dir
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        """Start; the servers accept requests when this returns."""
        with contextlib.ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop; no thread, socket or temporary file is left when this returns.

        :raises EmulatorEndedError: Its servers had ended by themselves; the message says why.
        """
        self._stack.close()

    @property
    def running(self) -> bool:
        """Whether its servers run; also False after they have ended by themselves."""
        return self._serving.running

    def add_client(self, client_id: str, scopes: list[str]) -> str:
        """Create or replace a client and return its access token."""
        return self.accounts.add_client(client_id, scopes)

    def sweep(self) -> None:
        """Remove all that has expired by the emulator's clock, as the real services do by a job about once a day."""
        self._sweep()

    @property
    def anonymous_scopes(self) -> list[str]:
        """Scopes of unsigned requests."""
        return self.accounts.role("anonymous")

    @anonymous_scopes.setter
    def anonymous_scopes(self, scopes: list[str]) -> None:
        self.accounts.set_role("anonymous", scopes)

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables that point Taskcluster's clients to this emulator."""
        return {
            "TASKCLUSTER_ROOT_URL": self.root_url,
            "TASKCLUSTER_CLIENT_ID": self.client_id,
            "TASKCLUSTER_ACCESS_TOKEN": self.access_token,
        }

    def _start(self, stack: contextlib.ExitStack) -> None:
        data_dir = Path(self._data_dir or stack.enter_context(_temporary_folder()))
        _make_private(data_dir)
        api_socket = stack.enter_context(_listening(self._host, self._port))
        store_socket = stack.enter_context(_listening(self._host, self._store_port))
        self.root_url = _url(api_socket)

        database = stack.enter_context(contextlib.closing(Database(data_dir / STATE)))
        self.accounts = Accounts(database, self.clock)
        self.client_id = ROOT_CLIENT
        self.access_token = self.accounts.get(ROOT_CLIENT).access_token
        self.store = Store(data_dir, database, self.clock, self.settings.store_url or _url(store_socket))
        self.store_url = self.store.url
        context = Context(database, self.clock, self.accounts, self.store, self.settings, self.outbox, self.root_url)
        services = Services(context)
        self.bulk = Bulk(context, services)
        self._sweep = services.sweep

        wires, api_wires = Wires(), Wires()
        authenticator = Authenticator(self.accounts, self.clock)
        api_app = Faulty(
            api(operations(services), authenticator, self.clock, self.observers), self.api_faults, api_wires
        )
        store_app = Faulty(StoreApp(self.store.blobs, self.store.signer, wires), self.faults, wires)
        servers = {
            api_socket: server(Journaling(api_app, self.journal, "api"), api_wires),
            store_socket: server(Journaling(store_app, self.journal, "store"), wires),
        }
        self._serving = stack.enter_context(ServerThread(servers))
        stack.callback(services.runs.end_waits)


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    """Give a bound socket; the server makes it listen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as bound:  # asyncio: TCP_NODELAY
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        try:
            bound.bind((host, port))
        except OSError as error:
            raise CannotListenError(f"Cannot listen at {host}:{port}: {error.strerror or error}") from None
        yield bound


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _make_private(folder: Path) -> None:
    """Make a folder that only its owner may enter, since it will hold access tokens.

    A folder with other files, such as ``/tmp``, keeps its mode; the emulator's files in it are private all the same.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (folder / STATE).exists() or not any(folder.iterdir()):
        folder.chmod(0o700)


@contextlib.contextmanager
def _temporary_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="taskcluster-emulator-") as folder:
        yield Path(folder)
