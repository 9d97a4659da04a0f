"""Installs one Airflow line and this package into the virtual environment whose Python runs this.

uv resolves and installs in seconds what takes pip minutes; it is installed like any other package.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from steps import step

BIN = Path(sys.executable).parent
# What uv says when a stage is over, how much is done then, and what comes next.
STAGES = {
    "Resolved": (0.2, "downloading {} packages"),
    "Prepared": (0.8, "installing {} packages"),
    "Installed": (1.0, "installed {} packages"),
}


def main(constraints: str) -> None:
    """Install, with a bar on a terminal."""
    if not (BIN / "uv").exists():
        with step("the installer"):
            _run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "uv"])
    stage = Stage()
    with step("Airflow and the development tools", lambda: (stage.what, stage.done)):
        command = [str(BIN / "uv"), "pip", "install", "--python", sys.executable, "--constraint", constraints]
        _run([*command, "--editable", ".[dev]"], stage)
    with step("compiling"):
        # Importing Airflow takes 2.6 s when its modules are compiled, and 7 s when an environment forbids to keep what
        # is compiled on first use. Packages that carry templates of modules cannot compile those: it does not matter.
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        command = [sys.executable, "-m", "compileall", "-q", "-q", "-j", "0", str(BIN.parent / "lib")]
        subprocess.run(command, check=False, env=kept)


class Stage:
    """How far uv is."""

    what = "finding out which versions fit together"
    done = 0.0

    def hear(self, line: str) -> None:
        """Take what uv says."""
        if found := re.match(r"(\w+) (\d+) packages? in", line):
            self.done, what = STAGES.get(found[1], (self.done, self.what))
            self.what = what.format(found[2])


def _run(command: list[str], stage: Stage | None = None) -> None:
    """Run a command; what it said is shown if it fails."""
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line)
            if stage:
                stage.hear(line)
    if running.returncode:
        raise SystemExit(f"\n{''.join(said)}\nThe installation failed: see above")


if __name__ == "__main__":
    main(sys.argv[1])
