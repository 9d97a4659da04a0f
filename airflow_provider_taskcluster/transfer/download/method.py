"""What a download method is. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from airflow_provider_taskcluster.transfer.model import Grant, Json


class DownloadMethod(ABC):
    """A way to get at the bytes of an object; one file for each, listed in ``methods``."""

    name: ClassVar[str]

    @abstractmethod
    def accept(self) -> Any:
        """Return what to send in ``acceptDownloadMethods``."""

    @abstractmethod
    def grant(self, answer: Json) -> Grant:
        """Read the service's answer for this method."""
