"""Limits of an extraction. Pure; imported by DAG files, which do not load the readers of archives."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_taskcluster.transfer.config import GIB


@dataclass(frozen=True)
class ExtractionLimits:
    """Limits of an archive's content.

    :param max_bytes: Bytes of all files together.
    :param max_files: Number of files, links and folders.
    """

    max_bytes: int = 16 * GIB
    max_files: int = 100_000
