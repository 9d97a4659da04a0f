"""How an upload brings its bytes to the store: an offer, and the method that the service picks for it. Pure."""

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
    """What is to be uploaded.

    :param source: Where the bytes come from.
    :param measured: Their length and sha256.
    :param content_type: Their content type.
    :param reporter: Learns how far the sending is.
    :param failure: Of what it is a part of, where others are sent at once: it is not tried again then.
    :param when_changed: What to do if the source is not what was measured.
    """

    source: Source
    measured: Measured
    content_type: str
    reporter: Reporter
    failure: Failure | None = None
    when_changed: str = "run the task again when the source is complete"

    def changed(self, how: str) -> SourceChanged:
        """Return the error for a source that is not what was measured."""
        return SourceChanged(
            f"The {self.source.description} changed while it was uploaded ({how}), so the upload was not finished: "
            f"{self.when_changed}"
        )


class UploadMethod(ABC):
    """A way to bring bytes to the store; one file for each, listed in ``methods``."""

    name: ClassVar[str]

    @abstractmethod
    def propose(self, offer: Offer) -> Json | None:
        """Return the details to propose, or None when this way does not fit the offer."""

    @abstractmethod
    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: StoreClient) -> dict[str, str]:
        """Bring the bytes to the store; return the digests (sha256 and sha512, hex) of exactly what was sent.

        :param granted: What the service answered for this method.
        :param renew: Asks the service again and returns its new answer.
        :raises SourceChanged: These are not the bytes that were measured; the upload must not be finished.
        """
