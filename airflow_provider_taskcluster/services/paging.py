"""Reads responses that come in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from airflow_provider_taskcluster.services.schemas import Json


async def pages(call: str, ask: Callable[[dict[str, str]], Awaitable[Json]]) -> AsyncIterator[Json]:
    """Yield all pages, one after the other.

    :param call: Name of the list, for the error.
    :param ask: Requests one page, given its query.
    :raises ServiceError: The service returned a continuation token twice, so that the pages would never end.
    """
    query: dict[str, str] = {}
    seen: set[str] = set()
    while True:
        page = await ask(query)
        yield page
        token = page.get("continuationToken")
        if not token:
            return
        if token in seen:
            raise ServiceError(
                f"{call} gives the same continuationToken twice, so its pages would never end: "
                f"ask those who run this deployment"
            )
        seen.add(token)
        query = {"continuationToken": token}
