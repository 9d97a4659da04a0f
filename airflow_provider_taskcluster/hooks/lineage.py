"""Tells Airflow's lineage collector what a hook read and made; OpenLineage, for one, takes it from there."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import exception_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
    from airflow_provider_taskcluster.transfer.model import TransferResult

log = logging.getLogger(__name__)


def facts(result: TransferResult) -> dict[str, Any]:
    """Return what is worth knowing of an object or artifact. Flat: Airflow 2 takes no more in events of aliases."""
    return {"name": result.name, "size": result.size, "content_type": result.content_type, **result.digests}


def facts_of_folder(prefix: str, results: Sequence[TransferResult]) -> dict[str, Any]:
    """Return what is worth knowing of objects under a prefix, which are one asset: there may be thousands."""
    return {"prefix": prefix, "files": len(results), "size": sum(result.size for result in results)}


def read(hook: TaskclusterBaseHook, uri: str, extra: dict[str, Any] | None = None) -> None:
    """Tell that something was read.

    :param extra: What is worth knowing of it.
    """
    _tell("add_input_asset", hook, uri, extra)


def made(hook: TaskclusterBaseHook, uri: str, extra: dict[str, Any]) -> None:
    """Tell that something was made.

    :param extra: What is worth knowing of it.
    """
    _tell("add_output_asset", hook, uri, extra)


def _tell(what: str, hook: TaskclusterBaseHook, uri: str, extra: dict[str, Any] | None) -> None:
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    try:
        collector = get_hook_lineage_collector()  # type: ignore[no-untyped-call]  # Airflow's
        getattr(collector, what)(context=hook, uri=uri, asset_extra=extra)
    except Exception as error:  # noqa: BLE001 (bytes that have arrived are worth more than the note of it)
        log.debug("No lineage of %r: %s", uri, exception_summary(error))
