"""Facts that the figures depend on: processor and versions, but nothing that identifies the machine or its owner."""

from __future__ import annotations

import os
import platform
import re
import ssl
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .programs import versions
from .servers import need

PACKAGES = ("airflow-provider-taskcluster", "apache-airflow", "taskcluster", "requests", "urllib3", "aiohttp")


def facts() -> dict[str, str]:
    """Return the facts by name."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "cpu": _cpu(),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "load at start": f"{os.getloadavg()[0]:.1f}",
        "python": platform.python_version(),
        **{package: version(package) for package in PACKAGES},
        **versions(),
        "openssl": ssl.OPENSSL_VERSION.split()[1],
        "nginx": _version(need("nginx"), "-v"),
        "aria2c": _version(need("aria2c"), "--version"),
    }


def _cpu() -> str:
    try:
        match = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except FileNotFoundError:
        match = None
    return match[1] if match else platform.machine()


def _version(*command: str) -> str:
    """Return the first version number that a command prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    match = re.search(r"\d+\.\d+(\.\d+)?", done.stdout + done.stderr)
    return match[0] if match else "unknown"
