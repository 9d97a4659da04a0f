"""Decides which reference artifacts (URLs that tasks chose) may be fetched. Pure.

A task can choose any URL, even one of a host that only this machine reaches. So none is fetched unless the caller
allows all of them or those of some hosts; redirects must then stay on these hosts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.common.urls import host_is_allowed, host_pattern_problem, url_problem
from airflow_provider_taskcluster.exceptions import InvalidInput, ReferenceRefused

# True for all, False for none, else hosts such as "example.com" and "*.example.com".
AllowReference = bool | Sequence[str]


def allowed_hosts(allow_reference: Any) -> bool | tuple[str, ...]:
    """Return a checked ``allow_reference``: a flag, or the allowed hosts.

    :raises InvalidInput: It is neither true nor false nor a list of hosts.
    """
    if isinstance(allow_reference, bool):
        return allow_reference
    if isinstance(allow_reference, str | bytes) or not isinstance(allow_reference, Iterable):
        raise InvalidInput(
            f'allow_reference is {allow_reference!r}: pass True, False or a list of hosts, such as ["*.example.com"]'
        )
    hosts = tuple(allow_reference)
    for host in hosts:
        if reason := host_pattern_problem(host):
            raise InvalidInput(f"allow_reference has {host!r}: {reason}")
    return hosts


def check_allow_reference(allow_reference: Any, _: str) -> None:
    """Check an ``allow_reference`` argument, as ``allowed_hosts`` does."""
    allowed_hosts(allow_reference)


def check_reference(artifact: object, url: str, allowed: AllowReference) -> tuple[str, ...] | None:
    """Return the hosts to which the URL may redirect; None for any.

    :param artifact: The artifact, as the subject of an error message.
    :raises ReferenceRefused: The caller does not allow the URL.
    """
    refers = f"{artifact} refers to {public_url(url)}"
    if url.partition(":")[0].lower() not in {"http", "https"}:
        raise ReferenceRefused(f"{refers}: only http and https are fetched: have the task publish such a URL")
    if allowed is True:
        return None
    if not allowed:
        raise ReferenceRefused(
            f"{refers}, a URL that the task chose: if you trust the task, allow it with allow_reference=True, or a "
            f"list of hosts"
        )
    if url_problem(url) or not host_is_allowed(url, allowed):
        raise ReferenceRefused(f"{refers}, whose host is not in allow_reference: add it if you trust that host")
    return tuple(allowed)
