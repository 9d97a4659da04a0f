"""The upload methods, and how the object service picks one.

The client proposes the methods that fit; the service picks one or none. Only methods that the schema of the service
knows may be proposed: an unknown one is a 400 (object/v1/create-upload-request.json).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.exceptions import TransferError
from airflow_provider_taskcluster.transfer.upload.data_inline import DataInline
from airflow_provider_taskcluster.transfer.upload.put_url import PutUrl

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.transfer.model import Json
    from airflow_provider_taskcluster.transfer.upload.method import Offer, UploadMethod

UPLOAD_METHODS: tuple[UploadMethod, ...] = (DataInline(), PutUrl())


def proposal(offer: Offer) -> Json:
    """Return ``proposedUploadMethods`` for an offer."""
    proposed = {method.name: method.propose(offer) for method in UPLOAD_METHODS}
    return {name: details for name, details in proposed.items() if details is not None}


def chosen_upload(name: str, proposed: Mapping[str, Any], answer: Mapping[str, Any]) -> tuple[UploadMethod, Any]:
    """Return the proposed method that the service picked, and its grant.

    :raises TransferError: The service picked none.
    """
    granted = answer["uploadMethod"]
    for method in UPLOAD_METHODS:
        if method.name in proposed and granted.get(method.name, False) is not False:
            return method, granted[method.name]
    raise TransferError(
        f"The service accepts none of the upload methods proposed for object {name!r} ({', '.join(proposed)}): "
        f"its store is not set up for uploads of this kind: ask those who run it"
    )
