"""The site does not depend on the Airflow line, and is built on one."""

from __future__ import annotations

from importlib.metadata import version

collect_ignore = ["test_site.py"] if version("apache-airflow").startswith("2.") else []
