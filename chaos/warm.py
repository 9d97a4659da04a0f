"""Imports of the process that clients and emulators are forked from, so that they start fast."""

from __future__ import annotations

import gc
import importlib
import pkgutil

from .processes import end_with_parent

PACKAGE = "airflow_provider_taskcluster"
PACKAGES = ("fs", "services", "transfer")

end_with_parent()
for package in PACKAGES:
    loaded = importlib.import_module(f"{PACKAGE}.{package}")
    for module in pkgutil.walk_packages(loaded.__path__, f"{loaded.__name__}."):
        importlib.import_module(module.name)
for name in ("taskcluster", "chaos.service"):
    importlib.import_module(name)
importlib.import_module("chaos.client").warm_up()
gc.freeze()  # children need not examine these objects in garbage collections
