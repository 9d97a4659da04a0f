"""How a client and the object service agree on a way to move bytes. Pure; the ways themselves are in ``methods/``.

The client proposes the methods it knows, the service picks one (or none). A method is a subclass of
:class:`UploadMethod` or :class:`DownloadMethod` in a file of its own in ``methods/``: it is found there, and adding one
touches no other file. Only methods that the service's schema knows may be proposed: an unknown one is a 400.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_taskcluster.exceptions import SourceChanged, TransferError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from airflow_provider_taskcluster.transfer.http.client import Store
    from airflow_provider_taskcluster.transfer.model import Grant, Json
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
    """A way to bring bytes to the store."""

    name: ClassVar[str]

    @abstractmethod
    def propose(self, offer: Offer) -> Json | None:
        """Return the details to propose, or None when this way does not fit the offer."""

    @abstractmethod
    def move(self, offer: Offer, granted: Any, renew: Callable[[], Any], store: Store) -> dict[str, str]:
        """Bring the bytes to the store; return the digests (sha256 and sha512, hex) of exactly what was sent.

        :param granted: What the service answered for this method.
        :param renew: Asks the service again and returns its new answer.
        :raises SourceChanged: These are not the bytes that were measured; the upload must not be finished.
        """


class DownloadMethod(ABC):
    """A way to get at bytes."""

    name: ClassVar[str]

    @abstractmethod
    def accept(self) -> Any:
        """Return what to send in ``acceptDownloadMethods``."""

    @abstractmethod
    def grant(self, answer: Json) -> Grant:
        """Read the service's answer for this method."""


def upload_methods() -> dict[str, UploadMethod]:
    """All ways up, by name."""
    return {method.name: method() for method in _found(UploadMethod)}


def download_methods() -> dict[str, DownloadMethod]:
    """All ways down, by name."""
    return {method.name: method() for method in _found(DownloadMethod)}


def proposal(offer: Offer) -> Json:
    """Return ``proposedUploadMethods`` for an offer."""
    proposed = {name: method.propose(offer) for name, method in upload_methods().items()}
    return {name: details for name, details in proposed.items() if details is not None}


def chosen_upload(name: str, proposed: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[UploadMethod, Any]:
    """Return the method that the service picked of those proposed, and what it granted.

    :raises TransferError: It picked none.
    """
    methods = upload_methods()
    for method, granted in answer["uploadMethod"].items():
        if method in proposed and granted is not False:
            return methods[method], granted
    raise TransferError(
        f"The service accepts none of the upload methods proposed for object {name!r} ({', '.join(proposed)}): "
        f"its store is not set up for uploads of this kind: ask those who run it"
    )


def _found(base: type[Any]) -> list[type[Any]]:
    from airflow_provider_taskcluster.transfer import methods

    methods.load()
    return sorted(base.__subclasses__(), key=lambda method: str(method.name))
