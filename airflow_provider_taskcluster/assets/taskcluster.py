"""Assets for DAGs, and what Airflow asks of a provider with assets (``asset-uris`` in its metadata)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from airflow.providers.common.compat.sdk import Asset, AssetAlias

from airflow_provider_taskcluster.assets.uris import SCHEME, artifact_uri, object_uri
from airflow_provider_taskcluster.common.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from airflow.providers.common.compat.openlineage.facet import Dataset as OpenLineageDataset
    from airflow.providers.common.compat.sdk import Context

log = logging.getLogger(__name__)

__all__ = ["artifact_asset", "convert_asset_to_openlineage", "create_asset", "emit", "object_asset"]


def object_asset(object_name: str, /, **options: Any) -> Asset:
    """Return the asset of an object, for ``outlets``, ``inlets`` and schedules.

    :param object_name: Name of the object.
    :param options: As for Airflow's ``Asset``, such as ``extra``, and on Airflow 3 a ``name`` of the asset.
    """
    return Asset(uri=object_uri(object_name), **options)


def artifact_asset(task_id: str, artifact_name: str, /, run_id: int | None = None, **options: Any) -> Asset:
    """Return the asset of an artifact.

    :param task_id: Id of the task.
    :param artifact_name: Name of the artifact.
    :param run_id: Number of the run, None for the latest.
    :param options: As for ``object_asset``.
    """
    return Asset(uri=artifact_uri(task_id, artifact_name, run_id), **options)


def create_asset(
    *, name: str, task_id: str | None = None, run_id: int | None = None, extra: dict[str, Any] | None = None
) -> Asset:
    """Make an asset of the parts of its URI (``factory`` in the provider's metadata).

    :param name: Of the object; with a ``task_id``, of the artifact.
    """
    if task_id is None:
        return object_asset(name, extra=extra)
    return artifact_asset(task_id, name, run_id, extra=extra)


def emit(outlets: Iterable[Any], context: Context, uri: str | None, extra: dict[str, Any]) -> None:
    """Say in the events of a task's outlets what was made: those of assets get the extra, an alias gets its asset too.

    :param uri: Of what was made, None where nothing names it.
    """
    with_events = _with_events()
    for outlet in outlets:
        if isinstance(outlet, AssetAlias) and uri:
            try:
                asset = Asset(uri=uri)
            except ValueError as error:  # what was made is there, whatever Airflow takes for the name of an asset
                log.warning(
                    "The alias %r gets no asset, since Airflow refuses its URI: %s", outlet.name, one_line(error)
                )
            else:
                context["outlet_events"][outlet].add(asset, extra=extra)
        elif isinstance(outlet, with_events):
            context["outlet_events"][outlet].extra.update(extra)


def _with_events() -> tuple[type[Any], ...]:
    """Return what an event is of, beside an alias: an asset, and on Airflow 3 a reference to one (``Asset.ref``)."""
    try:
        from airflow.sdk.definitions.asset import AssetRef
    except ImportError:
        return (Asset,)
    return (Asset, AssetRef)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> OpenLineageDataset:
    """Return what OpenLineage calls the asset. The deployment is its namespace, where the context knows it.

    :param lineage_context: The hook, operator or path that used the asset.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    hook = _hook(lineage_context)
    namespace = f"{SCHEME}://{urlsplit(hook.settings.root_url).netloc}" if hook else SCHEME
    return Dataset(namespace=namespace, name=asset.uri.removeprefix(f"{SCHEME}://"))


def _hook(lineage_context: Any) -> Any:
    for owner in (lineage_context, getattr(lineage_context, "fs", None)):
        found = owner if hasattr(owner, "settings") else getattr(owner, "hook", None)
        if hasattr(found, "settings"):
            return found
    return None
