"""Worlds in which contenders run: an emulator, nginx for the bytes, and connections to both."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import math
import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import taskcluster

from airflow_provider_taskcluster.emulator.worker import Run as WorkersRun
from airflow_provider_taskcluster.emulator.worker import Worker

from . import programs, proxies, servers
from .forgetful import store as forgetful_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .sources import Source

REPOSITORY = Path(__file__).parents[1]
PROJECT = "benchmarks"
ROUND_TRIP = 0.020
CAPPED = "benchmarks/capped"
# Seconds after which one run of a contender has failed.
PATIENCE = 1800

_numbers = itertools.count(1)


class ContenderFailed(Exception):
    """A contender did not finish its work; the message has the end of its output."""


@dataclass(frozen=True)
class Run:
    """Figures of the work of a contender.

    :param bytes: What the work returned.
    :param cpu: Seconds of all processors.
    :param memory: By how many bytes the process grew at its peak, from the start of the work.
    :param peak: Bytes of the process at its peak, with what it had imported before.
    :param figure: What its case is about, if not the seconds.
    """

    seconds: float
    bytes: int
    cpu: float
    memory: int
    peak: int
    figure: float | None = None

    def about(self, figure: float) -> Run:
        """Return the same run with the figure of its case."""
        return replace(self, figure=figure)


@dataclass(frozen=True)
class World:
    """A running Taskcluster. Preparations use ``direct``, contenders use ``root_url``."""

    folder: Path
    store: Path
    direct: servers.Emulated
    root_url: str
    environment: dict[str, str] = field(repr=False)
    cutter: proxies.Cutter | None = None

    def contend(self, contender: str, **arguments: Any) -> Run:
        """Run a contender once, in a process of its own."""
        try:
            done = subprocess.run(
                programs.command(contender, arguments),
                cwd=REPOSITORY,
                env=self.environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ContenderFailed(f"{contender} did not end within {PATIENCE} s") from None
        if done.returncode != 0:
            raise ContenderFailed(f"{contender} failed: {done.stderr.strip()[-2000:]}")
        return Run(**json.loads(done.stdout.splitlines()[-1]))

    def put_object(self, name: str, source: Source) -> None:
        """Create a finished object from a file, without copying it."""
        identity = {"projectId": PROJECT, "uploadId": taskcluster.slugId(), "expires": taskcluster.fromNowJSON("1 day")}
        self._put_object(taskcluster.Object(self._options()), name, identity, source)

    def put_artifact(self, name: str, source: Source) -> str:
        """Create an s3 artifact from a file and return the id of its task."""
        run = self.begin_run()
        self.add_s3(run, name, source)
        run.complete()
        return run.task_id

    def begin_run(self) -> WorkersRun:
        """Create a task and return its run, as of its worker."""
        worker = Worker(self.direct.root_url, self._options()["credentials"])
        return worker.claim(worker.create_task())

    def add_s3(self, run: WorkersRun, name: str, source: Source) -> None:
        """Create an s3 artifact of a run from a file, without copying it."""
        self._link(source, run.announce(name, storage_type="s3")["putUrl"])

    def put_artifacts(self, source: Source, count: int) -> str:
        """Create finished artifacts from a file, s3 and object in turns, and return the id of their task."""
        run = self.begin_run()
        for number in range(count):
            name = f"public/{number:05}"
            if number % 2:
                grant = run.announce(name)
                self._put_object(taskcluster.Object(self._options()), grant["name"], grant, source)
                run.finish(name, grant)
            else:
                self._link(source, run.announce(name, storage_type="s3", length=source.size)["putUrl"])
        run.complete()
        return run.task_id

    def announce_artifacts(self, count: int) -> str:
        """Create reference artifacts and return the id of their task."""
        run = self.begin_run()
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda number: run.add_reference(f"public/{number:06}", self.root_url), range(count)))
        run.complete()
        return run.task_id

    @contextlib.contextmanager
    def destination(self) -> Iterator[Path]:
        """Give a temporary folder to write to."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    def stored(self, name: str) -> Path:
        """Return the file with an object's bytes."""
        return self.store / blob(name)

    def take_stored(self) -> int:
        """Empty the store, and return the number of bytes in it."""
        sizes = []
        for file in (self.store / "objects").iterdir():
            sizes.append(file.stat().st_size)
            file.unlink()
        return sum(sizes)

    def _put_object(self, service: Any, name: str, identity: Mapping[str, str], source: Source) -> None:
        ids = {key: identity[key] for key in ("projectId", "uploadId")}
        proposal = {"putUrl": {"contentType": "application/octet-stream", "contentLength": source.size}}
        request = {**ids, "expires": identity["expires"], "proposedUploadMethods": proposal}
        self._link(source, service.createUpload(name, request)["uploadMethod"]["putUrl"]["url"])
        service.finishUpload(name, {**ids, "hashes": source.hashes})

    def _link(self, source: Source, url: str) -> None:
        os.link(source.path, self.store / urlsplit(url).path[1:])

    def _options(self) -> dict[str, Any]:
        credentials = {"clientId": self.direct.client_id, "accessToken": self.direct.access_token}
        return {"rootUrl": self.direct.root_url, "credentials": credentials}


def blob(name: str) -> str:
    """Return the path of an object's file in the store (see the emulator's ``--help``)."""
    return f"objects/{hashlib.sha256(name.encode()).hexdigest()}"


def fresh(prefix: str) -> str:
    """Return a new object name."""
    return f"benchmarks/{prefix}-{next(_numbers)}"


@contextlib.contextmanager
def near(parent: Path) -> Iterator[World]:
    """Servers without latency. The object ``CAPPED`` is sent at 64 MiB/s on each connection."""
    limits = f"location = /{blob(CAPPED)} {{ limit_rate 64m; }}"
    with _folder(parent) as folder:
        port, api_port = servers.free_port(), servers.free_port()
        with _serve(folder, port, api_port, f"http://{servers.HOST}:{port}", limits=limits) as direct:
            yield _world(folder, direct, direct.root_url)


@contextlib.contextmanager
def cut(parent: Path) -> Iterator[World]:
    """Servers behind a proxy that can cut connections to the store."""
    with _folder(parent) as folder:
        port, api_port = servers.free_port(), servers.free_port()
        with (
            proxies.cutting(port) as (public, cutter),
            _serve(folder, port, api_port, f"http://{servers.HOST}:{public}") as direct,
        ):
            yield _world(folder, direct, direct.root_url, cutter=cutter)


@contextlib.contextmanager
def plain(parent: Path) -> Iterator[World]:
    """The emulator alone; unlike nginx, its slower store keeps content types."""
    with _folder(parent) as folder, servers.emulator(folder / "data", servers.free_port()) as direct:
        yield _world(folder, direct, direct.root_url)


@contextlib.contextmanager
def forgetful(parent: Path, rate: float = math.inf) -> Iterator[World]:
    """A store that discards uploads, at most at ``rate`` bytes a second on each connection."""
    with _folder(parent) as folder, forgetful_store(folder / "data" / "store", rate) as public:
        port, api_port = servers.free_port(), servers.free_port()
        with _serve(folder, port, api_port, f"http://{servers.HOST}:{public}") as direct:
            yield _world(folder, direct, direct.root_url)


@contextlib.contextmanager
def far(parent: Path) -> Iterator[World]:
    """API and store behind TLS, with a round trip of 20 ms."""
    with _folder(parent) as folder:
        tls = servers.self_signed(folder)
        port, api_port = servers.free_port(), servers.free_port()
        with proxies.far(port, ROUND_TRIP) as public:
            url = f"https://{servers.HOST}:{public}"
            with _serve(folder, port, api_port, url, tls=tls) as direct:
                yield _world(folder, direct, url, verify=str(tls.certificate))


@contextlib.contextmanager
def _folder(parent: Path) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="world-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _serve(folder: Path, port: int, api_port: int, store_url: str, **nginx: Any) -> Iterator[servers.Emulated]:
    data = folder / "data"
    with (
        servers.emulator(data, api_port, store_url) as direct,
        servers.nginx(folder / "nginx", data / "store", port, api_port, **nginx),
    ):
        yield direct


def _world(
    folder: Path,
    direct: servers.Emulated,
    root_url: str,
    *,
    verify: str | None = None,
    cutter: proxies.Cutter | None = None,
) -> World:
    environment = client_environment(folder, direct, root_url, verify)
    return World(folder, folder / "data" / "store", direct, root_url, environment, cutter)


def client_environment(
    folder: Path, direct: servers.Emulated, root_url: str, verify: str | None = None
) -> dict[str, str]:
    """Return the environment of contenders: the address of Taskcluster, and nothing that favours one of them."""
    extra = {"project_id": PROJECT, **({"verify": verify} if verify else {})}
    connection = {
        "conn_type": "taskcluster",
        "host": root_url,
        "login": direct.client_id,
        "password": direct.access_token,
        "extra": extra,
    }
    ours = ("AIRFLOW", "TASKCLUSTER", "SSL_CERT", "REQUESTS_", "CURL_")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(ours) and not k.lower().endswith("_proxy")}
    return {
        **kept,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "AIRFLOW_CONN_TASKCLUSTER_DEFAULT": json.dumps(connection),
        "TASKCLUSTER_ROOT_URL": root_url,
        "TASKCLUSTER_CLIENT_ID": direct.client_id,
        "TASKCLUSTER_ACCESS_TOKEN": direct.access_token,
        "BENCHMARK_PROJECT": PROJECT,
        **({"SSL_CERT_FILE": verify, "REQUESTS_CA_BUNDLE": verify} if verify else {}),
    }
