"""When a body was stored, by its store's Last-Modified header (RFC 9110, 8.8.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.framing import header_date
from airflow_provider_taskcluster.exceptions import StoreError
from airflow_provider_taskcluster.transfer.http.ranges import UNSATISFIABLE, ByteRange
from airflow_provider_taskcluster.transfer.http.request import get_response

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.http.client import StoreClient
    from airflow_provider_taskcluster.transfer.http.grants import Renewable
    from airflow_provider_taskcluster.transfer.http.ranges import Facts
    from airflow_provider_taskcluster.transfer.model import Grant


def modified(store: StoreClient, grants: Renewable[Grant]) -> datetime | None:
    """Return when a body was stored, by one request for its first byte; None if the store does not say."""
    facts: Facts = store.network.retry.retrying(sleep=store.sleep)(_facts, store, grants)
    return header_date(facts.last_modified)


def _facts(store: StoreClient, grants: Renewable[Grant]) -> Facts:
    try:
        with get_response(store, grants, ByteRange(0, 1)) as response:
            return response.facts
    except StoreError as error:
        if error.status != UNSATISFIABLE:
            raise
    with get_response(store, grants, None) as response:  # an empty body has no first byte
        return response.facts
