"""How one emulator behaves: what it offers and how long things last."""

from __future__ import annotations

from dataclasses import dataclass, field

UPLOAD_METHODS = ("dataInline", "putUrl")
DOWNLOAD_METHODS = ("getUrl", "simple")


@dataclass(frozen=True)
class Lifetimes:
    """Seconds that signed URLs live. The signature of a getUrl outlives its announced ``expires`` twofold."""

    get_url: float = 60
    put_url: float = 45 * 60
    s3: float = 30 * 60


@dataclass(frozen=True)
class Settings:
    """The switches of an emulator; each has the real service's value by default.

    ``upload_methods`` and ``download_methods`` are in the server's order of preference.
    ``purge_cache_seconds`` is how long purgeRequests answers from its cache (0: never). ``store_url``
    replaces the store's own address in every URL given out.
    """

    upload_methods: tuple[str, ...] = UPLOAD_METHODS
    download_methods: tuple[str, ...] = DOWNLOAD_METHODS
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    purge_cache_seconds: float = 10
    store_url: str | None = None
