from __future__ import annotations

import asyncio
import gc

from airflow_provider_taskcluster.common.network import Network
from airflow_provider_taskcluster.services.async_transport import AsyncTransport

HTTPS = "https://tc.example.com"


def test_callers_that_come_at_once_share_one_session():
    async def come_at_once():
        kept = AsyncTransport(HTTPS, Network(proxies={}))
        try:
            return await asyncio.gather(kept.session(), kept.session(), kept.session())
        finally:
            await kept.close()

    first, *others = asyncio.run(come_at_once())
    assert all(session is first for session in others)
    assert first.closed


def test_a_session_is_kept_until_it_is_closed_and_a_new_one_follows():
    async def use():
        kept = AsyncTransport(HTTPS, Network(proxies={}))
        first, again = await kept.session(), await kept.session()
        await kept.close()
        later = await kept.session()
        await kept.close()
        return first, again, later

    first, again, later = asyncio.run(use())
    assert first is again
    assert later is not first


def test_a_session_that_nobody_holds_is_closed():
    async def use():
        kept = AsyncTransport(HTTPS, Network(proxies={}))
        session = await kept.session()
        del kept
        gc.collect()
        async with asyncio.timeout(5):
            while not session.closed:  # noqa: ASYNC110 (nothing tells)
                await asyncio.sleep(0)

    asyncio.run(use())
