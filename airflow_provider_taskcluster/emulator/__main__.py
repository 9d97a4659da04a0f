"""Command that serves Taskcluster on this machine until SIGTERM or Ctrl-C; see ``--help``."""

from __future__ import annotations

import contextlib
import json
import logging
import signal
import sqlite3
import sys
import threading
from typing import TYPE_CHECKING

from .command import Parser, appendable, ended, port, reason, seconds, task_queue_id, web_address
from .missing import needs_extra
from .settings import DOWNLOAD_METHODS, UPLOAD_METHODS, Lifetimes, Settings

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from types import FrameType

    from .server import Emulator

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
HELP = f"""\
usage: python -m airflow_provider_taskcluster.emulator [OPTION]...

Serves Taskcluster on this machine until SIGTERM or Ctrl-C.

Once it serves, one line of JSON on standard output says root_url, client_id,
access_token (of a client with the scope *) and store_url. The log goes to
standard error.

Where it listens, and what it keeps:
  --host ADDRESS              address of this machine (default: 127.0.0.1)
  --port PORT                 port of the root URL (default: a free one)
  --store-port PORT           port of the store (default: a free one)
  --data-dir DATA_DIR         keeps the state for the next start (default: a
                              temporary folder, removed at the end)
  --outbox FILE               appends what notify sends, a line of JSON each

A worker, which runs whatever a task tells it to, as this user:
  --worker QUEUE              claims the tasks of a queue (emulator/linux), and
                              runs their commands, as payloads of
                              generic-worker have them; may be given many times

What it offers:
  --upload-methods [METHOD]...
                              of {", ".join(UPLOAD_METHODS)} (default: both)
  --download-methods [METHOD]...
                              of {", ".join(DOWNLOAD_METHODS)} (default: both)
  --get-url-seconds SECONDS   life of a getUrl (default: {Lifetimes.get_url:g})
  --put-url-seconds SECONDS   life of a putUrl (default: {Lifetimes.put_url:g})
  --s3-seconds SECONDS        life of an s3 artifact's URL (default: {Lifetimes.s3:g})
  --purge-cache-seconds SECONDS
                              how old an answer of purgeRequests may be
                              (default: {Settings.purge_cache_seconds:g}; 0: never cached)
  --claim-work-seconds SECONDS
                              how long claimWork waits for a task
                              (default: {Settings.claim_work_seconds:g}; 0: not at all)

Other:
  --store-url URL             address in the URLs given out (see below)
  --log-level LEVEL           of {", ".join(LEVELS)}
                              (default: INFO)
  -h, --help                  shows this

With --store-url another server, such as nginx, serves the bytes. Its document
root is DATA_DIR/store, URL paths are file paths below it, and signatures are
not its business. It must run as the user that runs the emulator (`user` in the
configuration of nginx), since each reads what the other wrote. Enough for
uploads as well:

    server {{
        listen 127.0.0.1:8081;
        root DATA_DIR/store;
        default_type application/octet-stream;
        client_body_temp_path DATA_DIR/nginx;
        client_max_body_size 0;
        dav_methods PUT;
    }}

An upload is then a file of DATA_DIR/nginx that gets its place without a copy.
"""
__doc__ = HELP  # pydoc shows what --help does


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal comes."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=options.log_level, format="%(asctime)s %(message)s")
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    emulator = _started(options)
    try:
        line = {name: getattr(emulator, name) for name in ("root_url", "client_id", "access_token", "store_url")}
        with _workers(emulator, options.worker):
            sys.stdout.write(json.dumps(line) + "\n")
            sys.stdout.flush()
            while emulator.running and not stopped.wait(1):
                pass
    finally:
        _stop(emulator)


@contextlib.contextmanager
def _workers(emulator: Emulator, task_queue_ids: list[str]) -> Iterator[None]:
    """Run a worker for each queue; none is started unless a queue is named."""
    with contextlib.ExitStack() as stack:
        if task_queue_ids:
            from .worker import CommandWorker

            credentials = {"clientId": emulator.client_id, "accessToken": emulator.access_token}
            for queue_id in task_queue_ids:
                stack.enter_context(CommandWorker(emulator.root_url, credentials, task_queue_id=queue_id))
        yield


def _stop(emulator: Emulator) -> None:
    """Stop the emulator.

    :raises SystemExit: It had ended by itself; the log says how.
    """
    from .serving import EmulatorEndedError

    try:
        emulator.__exit__(None, None, None)
    except EmulatorEndedError as error:
        raise ended(f"{error}: report what the log says") from None


def _started(options: argparse.Namespace) -> Emulator:
    """Start the emulator and return it.

    :raises SystemExit: It cannot start; the message says why, and what to change.
    """
    try:
        from .server import CannotListenError, Emulator
    except ModuleNotFoundError as error:
        raise ended(needs_extra(error)) from None
    emulator = Emulator(
        host=options.host,
        port=options.port,
        store_port=options.store_port,
        data_dir=options.data_dir,
        outbox=options.outbox,
        settings=_settings(options),
    )
    try:
        return emulator.__enter__()
    except CannotListenError as error:
        raise ended(f"{error}: choose another address or port with --host, --port and --store-port") from None
    except (OSError, sqlite3.Error) as error:
        folder = repr(options.data_dir) if options.data_dir else "a temporary folder"
        raise ended(f"Cannot keep the state in {folder} ({reason(error)}): choose a folder with --data-dir") from None


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        upload_methods=tuple(options.upload_methods),
        download_methods=tuple(options.download_methods),
        lifetimes=Lifetimes(get_url=options.get_url_seconds, put_url=options.put_url_seconds, s3=options.s3_seconds),
        purge_cache_seconds=options.purge_cache_seconds,
        store_url=options.store_url,
        claim_work_seconds=options.claim_work_seconds,
    )


def _parser() -> Parser:
    parser = Parser("python -m airflow_provider_taskcluster.emulator", HELP)
    defaults, lifetimes = Settings(), Lifetimes()
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=port, default=0)
    add("--store-port", type=port, default=0)
    add("--data-dir")
    add("--outbox", type=appendable)
    add("--store-url", type=web_address)
    add("--upload-methods", nargs="*", choices=UPLOAD_METHODS, default=UPLOAD_METHODS)
    add("--download-methods", nargs="*", choices=DOWNLOAD_METHODS, default=DOWNLOAD_METHODS)
    add("--get-url-seconds", type=seconds, default=lifetimes.get_url)
    add("--put-url-seconds", type=seconds, default=lifetimes.put_url)
    add("--s3-seconds", type=seconds, default=lifetimes.s3)
    add("--purge-cache-seconds", type=seconds, default=defaults.purge_cache_seconds)
    add("--claim-work-seconds", type=seconds, default=defaults.claim_work_seconds)
    add("--worker", type=task_queue_id, action="append", default=[])
    add("--log-level", type=str.upper, choices=LEVELS, default="INFO")
    return parser


if __name__ == "__main__":
    main()
