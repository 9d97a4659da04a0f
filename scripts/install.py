"""Installs one Airflow line and this package into the virtual environment whose Python runs this script.

It installs uv first, which needs seconds where pip needs minutes.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from steps import keeping_bytecode, step

BIN = Path(sys.executable).parent
# First word of uv's output at the end of a stage -> fraction done, and the next stage.
STAGES = {
    "Resolved": (0.2, "downloading {} packages"),
    "Prepared": (0.8, "installing {} packages"),
    "Installed": (1.0, "installed {} packages"),
}
# Nearly half of all code: it is compiled when it is imported, if ever.
RARELY_IMPORTED = r"site-packages/(.*/)?(tests?|_tests?|libcst|moto|mypy|mypyc|pip|selenium|setuptools)/"


def main(constraints: str) -> None:
    """Install the packages, with a progress bar on a terminal."""
    if not (BIN / "uv").exists():
        with step("the installer"):
            _run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"])
    stage = Stage()
    with step("Airflow and the development tools", lambda: (stage.title, stage.done)):
        command = [str(BIN / "uv"), "pip", "install", "--python", sys.executable, "--constraint", constraints]
        _run([*command, "--editable", ".[dev]"], stage)
    with step("compiling"):
        # Importing Airflow takes 2.6 s with compiled modules, and 7 s where the environment forbids writing them on
        # first use. Errors do not matter: some packages contain templates of modules, which cannot be compiled.
        command = [sys.executable, "-m", "compileall", "-q", "-q", "-j", "0", "-x", RARELY_IMPORTED]
        command.append(str(BIN.parent / "lib"))
        subprocess.run(command, check=False, env=keeping_bytecode())


class Stage:
    """Progress of uv."""

    title = "resolving versions"
    done = 0.0

    def update(self, line: str) -> None:
        """Update the progress by a line of uv's output."""
        if match := re.match(r"(\w+) (\d+) packages? in", line):
            self.done, title = STAGES.get(match[1], (self.done, self.title))
            self.title = title.format(match[2])


def _run(command: list[str], stage: Stage | None = None) -> None:
    """Run a command, and print its output if it fails."""
    output: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            output.append(line)
            if stage:
                stage.update(line)
    if running.returncode:
        raise SystemExit(f"\n{''.join(output)}\nThe installation failed: see above")


if __name__ == "__main__":
    main(sys.argv[1])
