"""Command that creates a task, prints its id, waits, publishes files and resolves the task, as a worker does."""

from __future__ import annotations

import json
import mimetypes
import os
import sys
import time
from argparse import ArgumentTypeError
from pathlib import Path
from typing import TYPE_CHECKING

from taskcluster.exceptions import TaskclusterAuthFailure, TaskclusterFailure, TaskclusterRestFailure

from airflow_provider_taskcluster.emulator.command import Parser, ended, reason, seconds, web_address

from .simulated import OCTETS, Worker

if TYPE_CHECKING:
    import argparse

VARIABLES = ("TASKCLUSTER_ROOT_URL", "TASKCLUSTER_CLIENT_ID", "TASKCLUSTER_ACCESS_TOKEN")
SEE_EMULATOR = "take those that the emulator printed when it started"
RESOLUTIONS = ("completed", "failed", "exception")
HELP = """\
usage: python -m airflow_provider_taskcluster.emulator.worker [OPTION]...

Plays a worker: creates a task, prints {"taskId": "..."}, waits, publishes files
as artifacts of the task, and resolves it.

Credentials come from the variables TASKCLUSTER_CLIENT_ID and
TASKCLUSTER_ACCESS_TOKEN; the emulator prints them when it starts.

  --root-url URL            root URL (default: TASKCLUSTER_ROOT_URL)
  --delay SECONDS           from the task to its run (default: 0)
  --artifact NAME=FILE      file to publish, and its name as an artifact; may be
                            given many times
  --storage-type TYPE       object or s3 (default: object)
  --gzip                    stores s3 artifacts gzip-encoded
  --content-type TYPE       of all files (default: by their names)
  --resolve RESOLUTION      completed, failed or exception (default: completed)
  -h, --help                shows this

For example:

    python -m airflow_provider_taskcluster.emulator.worker \\
        --delay 5 --artifact public/build/report.txt=report.txt
"""


def main(arguments: list[str] | None = None) -> None:
    """Run the command; errors end it with one sentence."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.gzip and options.storage_type != "s3":
        parser.error("--gzip is for s3 artifacts alone: add --storage-type s3")
    try:
        _work(options)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except (TaskclusterAuthFailure, TaskclusterRestFailure) as error:
        unauthorized = error.status_code in {401, 403}
        next_step = f"{VARIABLES[1]} and {VARIABLES[2]}: {SEE_EMULATOR}" if unauthorized else "see its log"
        raise ended(f"{options.root_url} refused it ({error.status_code}): {reason(error)}; {next_step}") from None
    except (TaskclusterFailure, LookupError) as error:
        unusable = f"{options.root_url} does not answer as it should ({reason(error)})"
        raise ended(f"{unusable}: does the emulator run there?") from None
    except OSError as error:
        raise ended(f"It could not be published: {reason(error)}") from None


def _work(options: argparse.Namespace) -> None:
    worker = Worker(*_account(options))
    files = [(name, path, _content(path)) for name, path in options.artifact]
    task_id = worker.create_task()
    sys.stdout.write(json.dumps({"taskId": task_id}) + "\n")
    sys.stdout.flush()
    time.sleep(options.delay)
    run = worker.claim(task_id)
    for name, path, data in files:
        run.add(
            name,
            data,
            storage_type=options.storage_type,
            content_type=options.content_type or mimetypes.guess_type(path)[0] or OCTETS,
            gzipped=options.gzip,
        )
    {"completed": run.complete, "failed": run.fail, "exception": run.exception}[options.resolve]()


def _account(options: argparse.Namespace) -> tuple[str, dict[str, str]]:
    given = {VARIABLES[0]: options.root_url, **{name: os.environ.get(name) for name in VARIABLES[1:]}}
    if missing := [name for name, value in given.items() if not value]:
        raise ended(f"Set {' and '.join(missing)}: {SEE_EMULATOR}")
    root_url, client_id, access_token = map(str, given.values())
    return root_url, {"clientId": client_id, "accessToken": access_token}


def _content(path: str) -> bytes:
    """Read a file before the task is created, so that a missing file leaves no task behind."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ended(f"Cannot read the file {path!r} ({error.strerror}): name one with --artifact NAME=FILE") from None


def _artifact(text: str) -> tuple[str, str]:
    name, equals, path = text.partition("=")
    if not (name and equals and path):
        raise ArgumentTypeError(f"{text!r} is no artifact: write it as NAME=FILE")
    return name, path


def _parser() -> Parser:
    parser = Parser("python -m airflow_provider_taskcluster.emulator.worker", HELP)
    parser.add_argument("--root-url", type=web_address, default=os.environ.get("TASKCLUSTER_ROOT_URL"))
    parser.add_argument("--delay", type=seconds, default=0.0)
    parser.add_argument("--artifact", type=_artifact, action="append", default=[])
    parser.add_argument("--storage-type", choices=["object", "s3"], default="object")
    parser.add_argument("--gzip", action="store_true")
    parser.add_argument("--content-type")
    parser.add_argument("--resolve", choices=RESOLUTIONS, default="completed")
    return parser


if __name__ == "__main__":
    main()
