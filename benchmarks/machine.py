"""What the figures depend on: processor and versions. Nothing that names the machine or its owner."""

from __future__ import annotations

import os
import platform
import re
import ssl
import subprocess
from importlib.metadata import version
from pathlib import Path

from .servers import need

PACKAGES = ("airflow-provider-taskcluster", "apache-airflow", "taskcluster", "requests", "urllib3", "aiohttp")


def facts() -> dict[str, str]:
    """Name and value, fit to be printed."""
    return {
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.release()}",
        "load at start": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        "openssl": ssl.OPENSSL_VERSION.split()[1],
        "nginx": _said(need("nginx"), "-v"),
        "aria2c": _said(need("aria2c"), "--version"),
    }


def _cpu() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except FileNotFoundError:
        found = None
    return found[1] if found else platform.machine()


def _said(*command: str) -> str:
    """The first version number in what a program says."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return found[0] if found else "unknown"
