from __future__ import annotations

import asyncio

import pytest

from airflow_provider_taskcluster.exceptions import ServiceError
from airflow_provider_taskcluster.services.paging import pages


def collect(tokens):
    """Ask a service that names these tokens, one a page; return the queries it got."""
    queries = []

    async def ask(query):
        queries.append(query.get("continuationToken"))
        return {"continuationToken": tokens[len(queries) - 1]}

    async def run():
        async for _ in pages("The list", ask):
            assert len(queries) < 20

    asyncio.run(run())
    return queries


@pytest.mark.parametrize("end", [None, ""])
def test_each_page_is_asked_for_by_the_token_of_the_one_before(end):
    assert collect(["a", "b", end]) == [None, "a", "b"]


@pytest.mark.parametrize("tokens", [["a"] * 30, ["a", "b"] * 15], ids=["the same", "a circle"])
def test_tokens_that_repeat_end_in_an_error_not_in_a_loop(tokens):
    with pytest.raises(ServiceError, match="The list gives the same continuationToken twice"):
        collect(tokens)
