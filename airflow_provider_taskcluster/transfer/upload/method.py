"""The base class of upload methods, and the offer that they are given. Pure."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.exceptions import SourceChanged

if TYPE_CHECKING:
    from collections.abc import Callable

    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.model import Json
    from airflow_provider_taskcluster.transfer.progress import Reporter
    from airflow_provider_taskcluster.transfer.source.base import Source
    from airflow_provider_taskcluster.transfer.threads.buffers import Failure
    from airflow_provider_taskcluster.transfer.upload.measure import Measured


@dataclass(frozen=True)
class Offer:
    """The content to upload.

    :param source: The source of the bytes.
    :param measured: Their size and digests.
    :param content_type: Their content type.
    :param reporter: Receives the progress of sending.
    :param failure: Failure of the overall upload, if parts are sent at once: it ends the retries.
    :param when_changed: Next step in the error message if the source has changed.
    """

    source: Source
    measured: Measured
    content_type: str
    reporter: Reporter
    failure: Failure | None = None
    when_changed: str = "run the task again when the source is complete"

    def changed(self, how: str) -> SourceChanged:
        """Return the error for a source whose bytes are not the measured ones."""
        return SourceChanged(
            f"The {self.source.description} changed while it was uploaded ({how}), so the upload was not finished: "
            f"{self.when_changed}"
        )


class UploadMethod(ABC):
    """A way to upload bytes to the store.

    Each has a file of its own, is listed in ``methods``, and its response in ``CREATED_UPLOAD`` (services/schemas).
    """

    name: ClassVar[str]

    @abstractmethod
    def propose(self, offer: Offer) -> Json | None:
        """Return the details to propose, or None if this method does not fit the offer."""

    @abstractmethod
    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: StoreClient) -> dict[str, str]:
        """Upload the bytes; return the digests (sha256 and sha512, hex) of the bytes that were sent.

        :param granted: The service's response for this method.
        :param renew: Asks the service again and returns its new response.
        :raises SourceChanged: The bytes are not the measured ones; the upload must not be finished.
        """
