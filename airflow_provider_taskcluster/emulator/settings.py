"""Settings of an emulator: the methods it offers and the lifetimes of what it issues."""

from __future__ import annotations

from dataclasses import dataclass, field

UPLOAD_METHODS = ("dataInline", "putUrl")
DOWNLOAD_METHODS = ("getUrl", "simple")
NOTIFICATIONS = ("email", "pulse", "matrix-room", "slack-channel")


@dataclass(frozen=True)
class Lifetimes:
    """Lifetimes of signed URLs in seconds. The signature of a getUrl is valid twice as long as its ``expires`` says."""

    get_url: float = 60
    put_url: float = 45 * 60
    s3: float = 30 * 60


@dataclass(frozen=True)
class Settings:
    """Settings of an emulator; the defaults are those of the real services, but for ``release_seconds``.

    ``upload_methods`` and ``download_methods`` are in the server's order of preference.
    ``purge_cache_seconds`` is how long purgeRequests uses its cache (0: never). ``store_url``
    replaces the store's own address in every URL that is issued. ``claim_work_seconds`` is how long claimWork
    waits for a task (0: not at all), ``claim_seconds`` how long a claim of a run lasts. ``release_seconds``
    is how long a task waits after its last dependency was met: 0-5 s at the real queue, 0 here.
    ``hook_task_ids``: ``taskId`` in the payload of a trigger becomes the id of the task, as since 97.1.0.
    ``notifications`` are the kinds that the notify service is set up for: all, here.
    """

    upload_methods: tuple[str, ...] = UPLOAD_METHODS
    download_methods: tuple[str, ...] = DOWNLOAD_METHODS
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    purge_cache_seconds: float = 10
    store_url: str | None = None
    claim_work_seconds: float = 20
    claim_seconds: float = 20 * 60
    release_seconds: float = 0
    hook_task_ids: bool = True
    notifications: tuple[str, ...] = NOTIFICATIONS
