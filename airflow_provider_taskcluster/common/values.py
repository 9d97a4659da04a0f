"""Readers of single values in a connection's ``extra``, whose types differ between forms, URIs and JSON."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from airflow_provider_taskcluster.common import counts
from airflow_provider_taskcluster.common.network import login_problem
from airflow_provider_taskcluster.common.redaction import public_url
from airflow_provider_taskcluster.common.urls import host_pattern_problem
from airflow_provider_taskcluster.exceptions import ConfigurationError

_TRUE = {"true", "1", "yes", "y", "on"}  # y is sent by the Test button of Airflow 2 for a checked box
_FALSE = {"false", "0", "no", "n", "off"}


def boolean(value: Any, where: str) -> bool:
    """Read true or false."""
    word = str(value).strip().lower()
    if word in _TRUE | _FALSE:
        return word in _TRUE
    raise ConfigurationError(f"{where} is {value!r}: write true or false")


def text(value: Any, where: str) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise ConfigurationError(f"{where} is not a text: put it in quotes")
    return value


def positive_number(value: Any, where: str) -> float:
    """Read a number of seconds."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not (0 < number < math.inf):
        raise ConfigurationError(f"{where} is {value!r}: write a number of seconds above 0")
    return number


def whole_number(value: Any, where: str) -> int:
    """Read a count, 0 or more."""
    number = counts.read_count(value)
    if number is None:
        raise ConfigurationError(f"{where} is {value!r}: write a whole number, 0 or more")
    return number


def verify(value: Any, where: str) -> bool | str:
    """Read true, false, or the path of a CA bundle: one file, which JSON calls and transfers both support."""
    word = str(value).strip()
    if word.lower() in _TRUE | _FALSE:
        return word.lower() in _TRUE
    if not _is_file(word):
        raise ConfigurationError(
            f"{where} is {word[:100]!r}, and there is no such file: write true, false or a CA bundle"
        )
    return word


def _is_file(path: str) -> bool:
    try:
        return Path(path).is_file()
    except OSError:  # too long for a path: the certificate itself was written there
        return False


def scopes(value: Any, where: str) -> tuple[str, ...]:
    """Read a list of scopes: a list, a JSON list, or words with white space between them."""
    if isinstance(value, str):
        value = _json(value, where) if value.lstrip().startswith("[") else value.split() or None
    if not isinstance(value, list | tuple) or not all(isinstance(scope, str) and scope for scope in value):
        raise ConfigurationError(f"{where}: write scopes separated by spaces, or a JSON list of strings")
    return tuple(value)


def hosts(value: Any, where: str) -> tuple[str, ...]:
    """Read a list of hosts such as ``*.example.com``: a list, a JSON list, or words with white space between them."""
    if isinstance(value, str):
        value = _json(value, where) if value.lstrip().startswith("[") else value.split()
    if not isinstance(value, list | tuple):
        raise ConfigurationError(f"{where}: write hosts separated by spaces, or a JSON list of strings")
    for host in value:
        if reason := host_pattern_problem(host):
            raise ConfigurationError(f"{where} has {host!r}: {reason}")
    return tuple(value)


def proxies(value: Any, where: str) -> dict[str, str]:
    """Read a proxy URL by scheme: an object, or JSON of one."""
    if isinstance(value, str):
        value = _json(value, where)
    usable = isinstance(value, dict) and all(
        scheme.lower() in {"http", "https"} and isinstance(url, str) and _is_proxy(url) for scheme, url in value.items()
    )
    if not usable:
        raise ConfigurationError(f'{where}: write JSON such as {{"https": "http://proxy.example.com:3128"}}')
    for url in value.values():
        if why := login_problem(url):
            raise ConfigurationError(f"{where}: the proxy {public_url(url)} cannot be used: {why}")
    return {scheme.lower(): _lower_scheme(url) for scheme, url in value.items()}


def _lower_scheme(url: str) -> str:
    """Return the URL with its scheme in lower case."""
    scheme, colon, rest = url.partition("://")
    return scheme.lower() + colon + rest


def _is_proxy(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # raised for invalid brackets and ports
        return False


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise ConfigurationError(f"{where} is not valid JSON: correct or clear it") from None
