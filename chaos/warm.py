"""Imported once by the process that clients and emulators are forked from, so that each of them starts in no time."""

from __future__ import annotations

import gc
import importlib
import pkgutil

from .processes import end_with_parent

PACKAGE = "airflow_provider_taskcluster"
PACKAGES = ("fs", "services", "transfer")

end_with_parent()
for package in PACKAGES:
    found = importlib.import_module(f"{PACKAGE}.{package}")
    for module in pkgutil.walk_packages(found.__path__, f"{found.__name__}."):
        importlib.import_module(module.name)
for name in ("taskcluster.aio", "chaos.service"):
    importlib.import_module(name)
importlib.import_module("chaos.client").warm_up()
gc.freeze()  # what is here stays for ever: no child shall look it through
