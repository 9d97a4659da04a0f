"""References: URLs that tasks chose, and which of them may be fetched. Pure.

A task can choose any URL, of hosts that only this machine reaches among them. So nothing is fetched unless the caller
allows it: all of them, or those of some hosts, to which redirects must lead as well.
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
    """Return what a caller allows.

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
        if why := host_pattern_problem(host):
            raise InvalidInput(f"allow_reference has {host!r}: {why}")
    return hosts


def hosts_or_flag(allow_reference: Any, _: str) -> None:
    """Check what a caller allows, as ``allowed_hosts`` does."""
    allowed_hosts(allow_reference)


def check_reference(where: object, url: str, allowed: AllowReference) -> tuple[str, ...] | None:
    """Return the hosts to which the URL may redirect; None for any.

    :param where: The artifact, in the words of an error.
    :raises ReferenceRefused: The URL is not one that the caller allows.
    """
    refers = f"{where} refers to {public_url(url)}"
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
