"""Progress of ``make demo``: a bar on a terminal, else plain lines."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / "scripts"
STEP = """
import sys, time
{before}
from steps import step
with step("a step", lambda: ("'a': 42% of 3.0 MB", 0.42)):
    time.sleep(0.3)
"""
WITHOUT_RICH = "sys.modules['rich'] = sys.modules['rich.progress'] = None"  # as before anything is installed


def on_terminal(program, term):
    """Return the output of a program on a terminal."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=SCRIPTS, stdout=slave, stderr=slave, env={**os.environ, "TERM": term}
    ) as running:
        os.close(slave)
        said = b""
        try:
            while read := os.read(master, 65536):
                said += read
        except OSError:  # the other end is closed
            pass
        finally:
            os.close(master)
    assert running.returncode == 0, said
    return said.decode()


@pytest.mark.parametrize("before", ["", WITHOUT_RICH], ids=["rich", "pip's rich"])
def test_a_terminal_gets_a_bar_and_in_the_end_a_line(before):
    said = on_terminal(STEP.format(before=before), "xterm")
    assert "\x1b[" in said
    assert "━" in said
    assert "'a': 42% of 3.0 MB" in said
    assert "a step    " in said.splitlines()[-1]
    assert said.splitlines()[-1].endswith(" s")


def test_a_dumb_terminal_and_a_pipe_get_a_line_alone():
    dumb = on_terminal(STEP.format(before=""), "dumb")
    piped = subprocess.run(
        [sys.executable, "-c", STEP.format(before="")], cwd=SCRIPTS, capture_output=True, text=True, check=True
    ).stdout
    for said in (dumb, piped):
        [line] = said.splitlines()
        assert line.startswith("  a step   ")
        assert "\x1b" not in line


def test_the_demo_says_what_it_does_within_a_second(tmp_path):
    (tmp_path / "file").write_bytes(b"x")
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import hashlib, json, sqlite3, subprocess, tempfile"], check=True)
    start_of_python = time.monotonic() - started  # on a machine that others use, too
    started = time.monotonic()
    with subprocess.Popen(
        [sys.executable, SCRIPTS / "demo.py", tmp_path / "file"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as running:
        assert running.stdout
        assert running.stdout.readline().startswith("The demo: files go to Taskcluster")
        taken = time.monotonic() - started
        running.stdout.readline()
        running.stdout.read(len("  Taskcluster emulator"))
        running.send_signal(signal.SIGINT)  # upon which it ends what it has started
    assert taken < 1 + start_of_python


def test_the_stages_of_the_installation_are_known_from_what_uv_says():
    import install

    stage = install.Stage()
    seen = []
    for line in (
        "Resolved 312 packages in 2.1s\n",
        "Prepared 300 packages in 9s\n",
        "Installed 1 package in 3ms\n",
        "x",
    ):
        stage.update(line)
        seen.append((stage.title, stage.done))
    assert seen[0] == ("downloading 312 packages", 0.2)
    assert seen[1] == ("installing 300 packages", 0.8)
    assert seen[2] == seen[3] == ("installed 1 packages", 1.0)


def test_the_demo_reads_how_far_a_transfer_is_from_the_log():
    import demo

    line = "INFO - 'demo/file.bin': 42% of 1073.7 MB, 341.2 MB/s, 2 s left, attempt 1\nother\n"

    class Airflow:
        def last_lines(self, count):
            return line

    assert demo.transferred(Airflow()) == ("'demo/file.bin': 42% of 1073.7 MB, 341.2 MB/s", 0.42)
