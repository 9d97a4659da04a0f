"""Reports what a hook read and wrote to Airflow's lineage collector, where OpenLineage picks it up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import exception_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_taskcluster.hooks.base import TaskclusterBaseHook
    from airflow_provider_taskcluster.transfer.model import TransferResult

log = logging.getLogger(__name__)


def asset_extra(result: TransferResult) -> dict[str, Any]:
    """Return the asset extra of an object or artifact. It is flat: Airflow 2 allows no nesting in events of aliases."""
    return {"name": result.name, "size": result.size, "content_type": result.content_type, **result.digests}


def folder_extra(prefix: str, results: Sequence[TransferResult]) -> dict[str, Any]:
    """Return the asset extra of all objects under a prefix, which are one asset: there may be thousands."""
    return {"prefix": prefix, "files": len(results), "size": sum(result.size for result in results)}


def report_input(hook: TaskclusterBaseHook, uri: str, extra: dict[str, Any] | None = None) -> None:
    """Report an asset that the hook read.

    :param extra: Its asset extra.
    """
    _report("add_input_asset", hook, uri, extra)


def report_output(hook: TaskclusterBaseHook, uri: str, extra: dict[str, Any]) -> None:
    """Report an asset that the hook wrote.

    :param extra: Its asset extra.
    """
    _report("add_output_asset", hook, uri, extra)


def _report(method: str, hook: TaskclusterBaseHook, uri: str, extra: dict[str, Any] | None) -> None:
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    try:
        collector = get_hook_lineage_collector()  # type: ignore[no-untyped-call]  # Airflow's
        getattr(collector, method)(context=hook, uri=uri, asset_extra=extra)
    except Exception as error:  # noqa: BLE001 (a transfer that succeeded must not fail for its lineage)
        log.debug("No lineage of %r: %s", uri, exception_summary(error))
