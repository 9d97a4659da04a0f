from __future__ import annotations

import asyncio

import pytest

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.exceptions import ConfigurationError
from airflow_provider_taskcluster.services.client import Client
from airflow_provider_taskcluster.services.session import PersistentSession

HTTPS = "https://tc.example.com"


def test_callers_that_come_at_once_share_one_session():
    async def come_at_once():
        kept = PersistentSession(HTTPS, Network(proxies={}))
        try:
            return await asyncio.gather(kept.get(), kept.get(), kept.get())
        finally:
            await kept.close()

    first, *others = asyncio.run(come_at_once())
    assert all(session is first for session in others)
    assert first.closed


def test_a_session_is_kept_until_it_is_closed_and_a_new_one_follows():
    async def use():
        kept = PersistentSession(HTTPS, Network(proxies={}))
        first, again = await kept.get(), await kept.get()
        await kept.close()
        later = await kept.get()
        await kept.close()
        return first, again, later

    first, again, later = asyncio.run(use())
    assert first is again
    assert later is not first


@pytest.mark.parametrize("content", [None, "not a certificate"])
def test_a_bundle_that_cannot_be_read_is_a_sentence(tmp_path, content):
    bundle = tmp_path / "ca.pem"
    if content:
        bundle.write_text(content)

    async def call():
        client = Client(HTTPS, None, network=Network(proxies={}, verify=str(bundle)))
        await client.call("object", "ping")

    with pytest.raises(ConfigurationError, match=r"The CA bundle .*ca\.pem' \(the extra verify\) cannot be used"):
        asyncio.run(call())
