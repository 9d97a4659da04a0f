"""The emulator's two commands: their help and their errors."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys

import pytest

from airflow_provider_taskcluster.emulator import __main__ as server_command
from airflow_provider_taskcluster.emulator.worker import __main__ as worker_command

PACKAGE = "airflow_provider_taskcluster.emulator"
COMMANDS = {PACKAGE: server_command, f"{PACKAGE}.worker": worker_command}


def run(*arguments, module=PACKAGE, start=("-m",), **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TASKCLUSTER")}
    return subprocess.run(
        [sys.executable, *start, module, *map(str, arguments)],
        env={**environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def sentence(done, code=1):
    """Return the error of a command, which must be one line."""
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    [line] = done.stderr.splitlines()
    return line


@pytest.mark.parametrize("module", COMMANDS)
def test_help_is_laid_out_by_hand_and_names_every_option(module):
    done = run("--help", module=module)
    assert done.returncode == 0
    assert done.stdout == COMMANDS[module].HELP
    assert max(map(len, done.stdout.splitlines())) <= 80
    options = {name for action in COMMANDS[module]._parser()._actions for name in action.option_strings}
    assert set(re.findall(r"(?<![\w-])--?[a-z][a-z0-9-]*", done.stdout)) - {"-m"} == options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "many"], "argument --port: invalid port value: 'many'"),
        (["--port", "70000"], "argument --port: '70000' is no port: pass a number from 0 to 65535"),
        (["--put-url-seconds", "-1"], "'-1' is no number of seconds: pass one from 0 on"),
        (["--store-url", "localhost:8081"], "'localhost:8081' is no address: begin it with http:// or https://"),
        (["--log-level", "loud"], "invalid choice: 'LOUD'"),
        (["--upload-methods", "ftp"], "invalid choice: 'ftp'"),
        (["--outbox", "/no/such/folder/file"], "'/no/such/folder/file' cannot be written: No such file or directory"),
        (["--prot", "1"], "unrecognized arguments: --prot 1"),
    ],
    ids=str,
)
def test_an_option_that_cannot_be_is_named(arguments, said):
    line = sentence(run(*arguments), code=2)
    assert said in line
    assert line.endswith("; --help lists the options")


def test_a_busy_port_is_named():
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        for option in ("--port", "--store-port"):
            line = sentence(run(option, port))
            assert line == (
                f"Cannot listen at 127.0.0.1:{port}: Address already in use: choose another address or port with "
                f"--host, --port and --store-port"
            )


def test_an_address_of_another_machine_is_named():
    assert "Cannot listen at 192.0.2.1:0: " in sentence(run("--host", "192.0.2.1"))
    assert "Cannot listen at no.such.invalid:0: " in sentence(run("--host", "no.such.invalid"))


def test_a_folder_that_cannot_be_used_is_named(tmp_path):
    (tmp_path / "file").touch()
    assert f"Cannot keep the state in '{tmp_path}/file' (" in sentence(run("--data-dir", tmp_path / "file"))
    (tmp_path / "state.sqlite").write_text("of something else, and long enough to be looked at" * 30)
    line = sentence(run("--data-dir", tmp_path))
    assert "(file is not a database): choose a folder with --data-dir" in line


BLOCKED = "import runpy, sys; sys.modules['uvicorn'] = None; runpy.run_module(sys.argv.pop(1), run_name='__main__')"
NEEDED = "The emulator needs the package 'uvicorn', which is not installed: pip install"


def test_without_the_extra_it_says_what_to_install(tc):
    assert sentence(run(start=("-c", BLOCKED))) == f"{NEEDED} 'airflow-provider-taskcluster[emulator]'"
    as_library = "import sys; sys.modules['uvicorn'] = None; from airflow_provider_taskcluster.emulator import Emulator"
    done = subprocess.run([sys.executable, "-c", as_library], capture_output=True, text=True, timeout=60, check=False)
    assert f"ImportError: {NEEDED}" in done.stderr
    assert "during handling" not in done.stderr.lower()
    played = run("--resolve", "failed", start=("-c", BLOCKED), module=f"{PACKAGE}.worker", **tc.environment)
    assert (played.returncode, played.stderr) == (0, "")


def work(*arguments, **variables):
    return run(*arguments, module=f"{PACKAGE}.worker", **variables)


def test_the_worker_says_which_variables_to_set(tc):
    assert sentence(work()) == (
        "Set TASKCLUSTER_ROOT_URL and TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN: take those that the emulator "
        "printed when it started"
    )
    line = sentence(work("--root-url", tc.root_url, TASKCLUSTER_CLIENT_ID="a", TASKCLUSTER_ACCESS_TOKEN=""))
    assert line.startswith("Set TASKCLUSTER_ACCESS_TOKEN: ")


def test_the_worker_names_bad_credentials(tc):
    line = sentence(work(**{**tc.environment, "TASKCLUSTER_ACCESS_TOKEN": "wrong"}))
    assert line.startswith(f"{tc.root_url} refused it (401): ")
    assert "TASKCLUSTER_CLIENT_ID and TASKCLUSTER_ACCESS_TOKEN: take those that the emulator printed" in line
    nobody = {"TASKCLUSTER_CLIENT_ID": "nobody", "TASKCLUSTER_ACCESS_TOKEN": tc.add_client("nobody", [])}
    line = sentence(work(**{**tc.environment, **nobody}))
    assert "refused it (403)" in line


def test_the_worker_names_an_emulator_that_is_not_there(tc):
    line = sentence(work(**{**tc.environment, "TASKCLUSTER_ROOT_URL": "http://127.0.0.1:1"}))
    assert line.startswith("http://127.0.0.1:1 does not answer as it should (")
    assert line.endswith("): does the emulator run there?")


def test_the_worker_names_a_missing_file_before_it_creates_a_task(tc, tmp_path):
    calls = len(list(tc.journal))
    line = sentence(work("--artifact", f"public/a={tmp_path}/missing", **tc.environment))
    assert line == (
        f"Cannot read the file '{tmp_path}/missing' (No such file or directory): name one with --artifact NAME=FILE"
    )
    assert len(list(tc.journal)) == calls
    assert "'public/a' is no artifact: write it as NAME=FILE" in sentence(work("--artifact", "public/a"), code=2)
    assert "add --storage-type s3" in sentence(work("--gzip", **tc.environment), code=2)
