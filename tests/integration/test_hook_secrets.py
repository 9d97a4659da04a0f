"""Secrets through the hooks: read, masked, and refused with the scope."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import redact

from airflow_provider_taskcluster.common.timestamps import iso_timestamp
from airflow_provider_taskcluster.exceptions import InsufficientScopes, InvalidName, NotFound
from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook


@pytest.fixture
def words():
    """Two secret words, in a secret of any shape."""
    return secrets.token_hex(8), secrets.token_hex(8)


@pytest.fixture
def stored(hook, name, words):
    value = {"password": words[0], "nested": [{"token": words[1], "count": 3, "none": None}]}
    expires = iso_timestamp(datetime.now(UTC) + timedelta(days=1))
    hook.call("secrets", "set", name, payload={"secret": value, "expires": expires})
    return value


async def read_by_async_hook(name):
    async with await TaskclusterAsyncHook.open("tc_test") as hook:
        return await hook.secret(name)


@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_secret_is_an_object_whose_texts_are_masked(hook, name, stored, words, way):
    found = hook.secret(name) if way == "sync" else asyncio.run(read_by_async_hook(name))
    assert found == stored
    assert redact(f"{words[0]} and {words[1]}, password") == "*** and ***, password"


def test_a_missing_one_may_have_lapsed(tc, hook, name, stored):
    with pytest.raises(NotFound, match=r"missing, or has lapsed"):
        hook.secret(f"{name}-other")
    with tc.clock.advanced(days=2), pytest.raises(NotFound, match=r"missing, or has lapsed"):
        hook.secret(name)


@pytest.mark.parametrize("existing", [True, False])
def test_a_refusal_names_the_scope_and_says_nothing_of_the_secret(holding, name, stored, existing):
    wanted = name if existing else f"{name}-other"
    with pytest.raises(InsufficientScopes, match=f"secrets:get:{wanted}, .*whether the secret exists or not"):
        holding("secrets:get:other").secret(wanted)


@pytest.mark.parametrize("wrong", ["", "a\nb", "caf\u00e9", None])
def test_a_name_that_no_secret_has_is_not_sent(tc, hook, wrong):
    with pytest.raises(InvalidName):
        hook.secret(wrong)
    assert not tc.journal.entries()
