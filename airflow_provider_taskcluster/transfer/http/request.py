"""One GET to a store under a renewable grant, as all downloads send it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import StoreError
from airflow_provider_taskcluster.transfer.http.ranges import range_headers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.http.grants import Renewable
    from airflow_provider_taskcluster.transfer.http.ranges import ByteRange, Facts
    from airflow_provider_taskcluster.transfer.http.response import StoreResponse
    from airflow_provider_taskcluster.transfer.model import Grant


@contextmanager
def get_response(
    store: StoreClient, grants: Renewable[Grant], wanted: ByteRange | None, known: Facts | None = None
) -> Iterator[StoreResponse]:
    """Request a body, or a range of a body with known facts, and yield the response.

    :raises StoreError: The status is not 200 or 206. A refused grant is transient if a new one may help.
    """
    grant = grants.current()
    try:
        headers = range_headers(wanted, known)
        with store.get(grant.url, headers, redirects=grant.redirects, hosts=grant.hosts) as response:
            grants.accepted()
            yield response
    except StoreError as error:
        error.transient |= error.refuses_grant and grants.refused(grant)
        raise
