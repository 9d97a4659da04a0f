"""Python code in a process of its own, forked from one that has imported Airflow and our package.

It starts in milliseconds, where a new interpreter needs two seconds for these imports.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path

CONTEXT = get_context("forkserver")
# What a hook imports when it is used, too; no operator, since their modules read the configuration.
PRELOADED = [
    "taskcluster",
    *(
        f"airflow_provider_taskcluster.{module}"
        for module in ("hooks.taskcluster", "transfer.http.client", "transfer.upload.methods")
    ),
]
CONTEXT.set_forkserver_preload(PRELOADED)


def start():
    """Start the process from which others are forked, and wait until it has forked one.

    It would ignore a module that does not exist.
    """
    assert all(map(find_spec, PRELOADED))
    process = CONTEXT.Process(target=int)
    process.start()
    process.join()
    assert process.exitcode == 0


@contextmanager
def running(code, *arguments, stdout=os.devnull, stderr=os.devnull):
    """Run code in this environment, with arguments in ``sys.argv``; gives the process, which is killed at the end."""
    process = CONTEXT.Process(target=execute, args=(code, arguments, dict(os.environ), stdout, stderr))
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def finished(code, *arguments, timeout=60, check=False):
    """Run code to its end, as ``subprocess.run`` does."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = [Path(folder) / name for name in ("stdout", "stderr")]
        with running(code, *arguments, stdout=outputs[0], stderr=outputs[1]) as process:
            process.join(timeout)
            if process.exitcode is None:
                raise subprocess.TimeoutExpired(code, timeout)
        done = subprocess.CompletedProcess(code, process.exitcode, *(path.read_text() for path in outputs))
    if check:
        assert done.returncode == 0, done.stderr
    return done


def execute(code, arguments, environment, stdout, stderr):
    """Be a new interpreter that runs this code."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    for number, path in ((1, stdout), (2, stderr)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)
    exec(code, {"__name__": "__main__"})
