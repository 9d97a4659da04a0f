"""The base class of download methods. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Grant, Json


class DownloadMethod(ABC):
    """A way to download an object's bytes.

    Each has a file of its own, is listed in ``methods``, and its response in ``DOWNLOAD`` (services/schemas).
    """

    name: ClassVar[str]

    @abstractmethod
    def accept(self) -> Any:
        """Return this method's value in ``acceptDownloadMethods``."""

    @abstractmethod
    def grant(self, response: Json) -> Grant:
        """Parse the service's response for this method."""
