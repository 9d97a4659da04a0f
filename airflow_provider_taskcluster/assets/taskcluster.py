"""Assets for DAGs, and the functions that the provider's metadata names in ``asset-uris``."""

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
    """Create the asset of an object, for ``outlets``, ``inlets`` and schedules.

    :param object_name: Name of the object.
    :param options: Options of Airflow's ``Asset``, such as ``extra``, and on Airflow 3 ``name``.
    """
    return Asset(uri=object_uri(object_name), **options)


def artifact_asset(task_id: str, artifact_name: str, /, run_id: int | None = None, **options: Any) -> Asset:
    """Create the asset of an artifact.

    :param task_id: Id of the task.
    :param artifact_name: Name of the artifact.
    :param run_id: Number of the run, None for the latest.
    :param options: As for ``object_asset``.
    """
    return Asset(uri=artifact_uri(task_id, artifact_name, run_id), **options)


def create_asset(
    *, name: str, task_id: str | None = None, run_id: int | None = None, extra: dict[str, Any] | None = None
) -> Asset:
    """Create an asset from the parts of its URI (``factory`` in the provider's metadata).

    :param name: Name of the object; with a ``task_id``, of the artifact.
    """
    if task_id is None:
        return object_asset(name, extra=extra)
    return artifact_asset(task_id, name, run_id, extra=extra)


def emit(outlets: Iterable[Any], context: Context, uri: str | None, extra: dict[str, Any]) -> None:
    """Add the extra to the asset events of a task's outlets; an alias also gets its asset.

    :param uri: URI of the uploaded object or artifact, None if it has none.
    """
    asset_types = _asset_types()
    for outlet in outlets:
        if isinstance(outlet, AssetAlias) and uri:
            try:
                asset = Asset(uri=uri)
            except ValueError as error:  # the upload has succeeded, so the task must not fail
                log.warning(
                    "The alias %r gets no asset, since Airflow refuses its URI: %s", outlet.name, one_line(error)
                )
            else:
                context["outlet_events"][outlet].add(asset, extra=extra)
        elif isinstance(outlet, asset_types):
            context["outlet_events"][outlet].extra.update(extra)


def _asset_types() -> tuple[type[Any], ...]:
    """Return the types of outlets with asset events: assets, and on Airflow 3 references to them (``Asset.ref``)."""
    try:
        from airflow.sdk.definitions.asset import AssetRef
    except ImportError:
        return (Asset,)
    return (Asset, AssetRef)


def convert_asset_to_openlineage(asset: Asset, lineage_context: Any) -> OpenLineageDataset:
    """Convert an asset to OpenLineage's dataset. Its namespace is the deployment, if the context has a hook.

    :param lineage_context: The hook, operator or path that used the asset.
    """
    from airflow.providers.common.compat.openlineage.facet import Dataset

    hook = _hook(lineage_context)
    namespace = f"{SCHEME}://{urlsplit(hook.settings.root_url).netloc}" if hook else SCHEME
    return Dataset(namespace=namespace, name=asset.uri.removeprefix(f"{SCHEME}://"))


def _hook(lineage_context: Any) -> Any:
    for owner in (lineage_context, getattr(lineage_context, "fs", None)):
        hook = owner if hasattr(owner, "settings") else getattr(owner, "hook", None)
        if hasattr(hook, "settings"):
            return hook
    return None
