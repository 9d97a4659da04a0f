"""fsspec's ``_strip_protocol``, which removes scheme and connection from a path."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from fsspec.utils import stringify_path

from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.fs.paths import split_url

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook


class _HasHook(Protocol):
    """A filesystem with a hook, which has the connection id."""

    @property
    def hook(self) -> TaskclusterHook:
        """Return the hook."""


class StripProtocol:
    """``_strip_protocol`` as a descriptor: on an instance it also refuses paths of other connections."""

    def __get__(self, fs: _HasHook | None, _: object) -> Callable[[Any], Any]:
        return partial(self.strip, None if fs is None else fs.hook.taskcluster_conn_id)

    def strip(self, own: str | None, path: Any) -> Any:
        """Return a path, or a list of paths, without scheme and connection."""
        if isinstance(path, list):
            return [self.strip(own, each) for each in path]
        conn_id, bare = split_url(stringify_path(path))
        if own and conn_id and conn_id != own:
            raise InvalidInput(
                f"The path {path!r} names the connection {conn_id!r}, and this filesystem is that of {own!r}: "
                f"open it with fsspec.open or fsspec.url_to_fs, which take the connection from the path"
            )
        return bare
