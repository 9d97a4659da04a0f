"""Serve Taskcluster on this machine until SIGTERM or Ctrl-C.

Once it serves, one line of JSON on standard output says ``root_url``, ``client_id``, ``access_token`` (a
client with the scope ``*``) and ``store_url``; the log goes to standard error.

``--store-url URL`` puts another address into every URL given out, for another server that serves the same
files, such as nginx. Its document root is ``DATA_DIR/store``, URL paths are file paths below it, signatures
are not its business. nginx must run as the user that runs the emulator (``user`` in its configuration), since
each reads what the other wrote. Enough for it to take uploads as well::

    server {
        listen 127.0.0.1:8081;
        root DATA_DIR/store;
        default_type application/octet-stream;
        client_body_temp_path DATA_DIR/nginx;
        client_max_body_size 0;
        dav_methods PUT;
    }

An upload is then a file of ``DATA_DIR/nginx`` that is given its place, without a copy, as it should be.
"""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING

from .server import Emulator
from .settings import DOWNLOAD_METHODS, UPLOAD_METHODS, Lifetimes, Settings

if TYPE_CHECKING:
    from types import FrameType


def main(arguments: list[str] | None = None) -> None:
    """Serve until a signal comes."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(stream=sys.stderr, level=options.log_level, format="%(asctime)s %(message)s")
    stopped = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopped.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    emulator = Emulator(
        host=options.host,
        port=options.port,
        store_port=options.store_port,
        data_dir=options.data_dir,
        settings=_settings(options),
    )
    with emulator:
        line = {name: getattr(emulator, name) for name in ("root_url", "client_id", "access_token", "store_url")}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()
        stopped.wait()


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        upload_methods=tuple(options.upload_methods),
        download_methods=tuple(options.download_methods),
        lifetimes=Lifetimes(get_url=options.get_url_seconds, put_url=options.put_url_seconds, s3=options.s3_seconds),
        purge_cache_seconds=options.purge_cache_seconds,
        store_url=options.store_url,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m airflow_provider_taskcluster.emulator",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    defaults, lifetimes = Settings(), Lifetimes()
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    add("--port", type=int, default=0, help="port of the root URL (default: a free one)")
    add("--store-port", type=int, default=0, help="port of the store (default: a free one)")
    add("--data-dir", help="folder for the state (default: a temporary one, removed at the end)")
    add("--store-url", help="address in URLs given out, where another server serves the store's files")
    add("--upload-methods", nargs="*", choices=UPLOAD_METHODS, default=UPLOAD_METHODS, help="methods on offer")
    add("--download-methods", nargs="*", choices=DOWNLOAD_METHODS, default=DOWNLOAD_METHODS, help="the same")
    add("--get-url-seconds", type=float, default=lifetimes.get_url, help="life of a getUrl (%(default)s)")
    add("--put-url-seconds", type=float, default=lifetimes.put_url, help="life of a putUrl (%(default)s)")
    add("--s3-seconds", type=float, default=lifetimes.s3, help="life of an s3 artifact's URL (%(default)s)")
    add(
        "--purge-cache-seconds",
        type=float,
        default=defaults.purge_cache_seconds,
        help="how old an answer of purgeRequests may be (default: %(default)s; 0: never cached)",
    )
    add("--log-level", default="INFO", help="of the log on standard error (default: %(default)s)")
    return parser


if __name__ == "__main__":
    main()
