"""Answers that come in pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import ServiceError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from airflow_provider_taskcluster.services.schemas import Json


async def pages(call: str, ask: Callable[[dict[str, str]], Awaitable[Json]]) -> AsyncIterator[Json]:
    """All pages, one after the other.

    :param call: What is called, for the error.
    :param ask: Asks for one page, given the query that names it.
    :raises ServiceError: The service gave a token a second time, so that there would be no end.
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
