"""Everything that this provider raises.

::

    TaskclusterError                 the root; also an AirflowException
    ├── ConfigurationError           the connection or the environment cannot work as it is
    ├── WouldBlockLoop               a connection is read in an event loop that has to deliver it
    ├── InvalidInput                 an argument that cannot work; nothing was sent
    │   └── InvalidName              a name that the services or the stores would not carry
    ├── ConnectionFailed             no answer: refused, reset, timed out              (transient)
    ├── ServiceError                 an API of Taskcluster answered with an error
    │   ├── AuthenticationFailed     401: wrong or expired credentials
    │   ├── InsufficientScopes       403: the client lacks a scope
    │   ├── NotFound                 404
    │   ├── NoMatchingMethod         406: no download method in common
    │   ├── Conflict                 409: the name, or these hashes, are taken by another upload
    │   ├── Expired                  410
    │   ├── UnreadableAnswer         a good status, and not the JSON that the call promises
    │   └── ServiceUnavailable       408, 425, 429, 5xx                                (transient)
    ├── AmbiguousName                several artifacts fit a name, and none exactly
    ├── ArtifactError                the task published an error in the place of the artifact
    ├── WillNotCome                  what is waited for can no longer come
    ├── WaitFailed                   nobody could look any more                            (transient)
    └── TransferError                bytes that did not arrive as they should
        ├── StoreError               the store answered with an error (transient for 408, 425, 429, 5xx)
        │   └── NotStoredYet         an s3 artifact is announced, its bytes are not there (transient)
        ├── InvalidFraming           headers that leave open where the body ends       (transient)
        ├── Truncated                the body ended early                              (transient)
        ├── RangeMismatch            the store answered a range with other bytes       (transient)
        ├── Interrupted              the task was told to stop                         (transient)
        ├── HashMismatch             the bytes are not those that the service knows
        ├── NotVerifiable            the service names no hash that can be checked
        ├── TooLarge                 more bytes than the caller allows
        ├── SourceError              the source cannot be read                         (transient)
        ├── SourceChanged            the source is not what it was when it was hashed
        ├── ManifestRefused          the manifest of an object in parts is broken, or not its own
        ├── NotAsAnnounced           the store has something else than the task announced
        ├── NameRefused              an artifact whose name cannot be a file of the destination
        ├── ArchiveRefused           an archive is broken, or holds what must not be written
        ├── ReferenceRefused         a URL chosen by a task, and nobody allowed to follow it
        └── DestinationError         the destination cannot be written: disk full...    (transient)

Each error names the thing and the next step, survives pickling, and carries the fact whether the same request may
succeed later (``transient``). What to do about that is decided elsewhere: in ``retry.py`` for requests, in
``outcome.py`` for tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_taskcluster.common.messages import LONGEST_MESSAGE, one_line, visible

if TYPE_CHECKING:
    from collections.abc import Sequence


LONGEST_CODE = 100


class TaskclusterError(AirflowException):
    """Root of the tree. ``transient`` tells whether the same request may succeed later.

    ``given_up`` tells that it was repeated as often as the retries allow (``retry.py``).

    :param message: The whole sentence. Whatever it quotes, it becomes one line on which control characters are visible.
    """

    transient = False
    given_up = False

    def __init__(self, message: object = "") -> None:
        super().__init__(visible(message, LONGEST_MESSAGE))


class ConfigurationError(TaskclusterError):
    """The connection or the environment cannot work as it is; the message says what to change."""


class WouldBlockLoop(TaskclusterError):
    """A connection is read in the event loop that has to deliver it, which would wait for itself."""


class InvalidInput(TaskclusterError):
    """An argument that cannot work. Nothing was sent."""


class InvalidName(InvalidInput):
    """A name that the services or the stores would not carry."""


class ConnectionFailed(TaskclusterError):
    """No answer came: refused, reset, timed out, or a certificate that is not trusted (not transient)."""

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self.transient = transient


class ServiceError(TaskclusterError):
    """An API of Taskcluster answered with an error.

    :param message: What was called, what came back, and the next step.
    :param status: HTTP status, 0 where there was none.
    :param code: Taskcluster's error code, such as ``RequestConflict``; empty when the answer was not Taskcluster's.
    :param retry_after: Seconds the server asked to wait, if it did.
    """

    def __init__(self, message: str, *, status: int = 0, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = one_line(code, LONGEST_CODE)
        self.retry_after = retry_after


class AuthenticationFailed(ServiceError):
    """401: the credentials are wrong, expired or not known."""


class InsufficientScopes(ServiceError):
    """403: the client lacks a scope; the message names it."""


class NotFound(ServiceError):
    """404: there is no such thing, or not yet (an upload that is not finished)."""


class NoMatchingMethod(ServiceError):
    """406: the service offers no download method that this client knows."""


class Conflict(ServiceError):
    """409: the name belongs to another upload, or other hashes are recorded.

    ``unfinished`` tells that no finished object was seen to hold the name.
    """

    unfinished = False


class Expired(ServiceError):
    """410: it was there and is gone."""


class UnreadableAnswer(ServiceError):
    """An answer with a good status that is not the JSON which the call promises.

    Not transient for a call: most often the root URL is another site's. A wait takes it for a look that came to
    nothing, and looks again.
    """


class ServiceUnavailable(ServiceError):
    """408, 425, 429 or 5xx: the service cannot answer now."""

    transient = True


class AmbiguousName(TaskclusterError):
    """Several artifacts fit a name but for upper and lower case, and none exactly. Nothing was downloaded.

    :param message: The whole sentence.
    :param candidates: The names that fit.
    """

    def __init__(self, message: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class ArtifactError(TaskclusterError):
    """The task published an error in the place of the artifact.

    :param message: The whole sentence.
    :param reason: Taskcluster's reason, such as ``file-missing-on-worker``.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = one_line(reason, LONGEST_CODE)


class WillNotCome(TaskclusterError):
    """What is waited for can no longer come; the message says what happened instead."""


class WaitFailed(TaskclusterError):
    """A deferred wait broke down. Another try of the task waits anew."""

    transient = True


class TransferError(TaskclusterError):
    """Bytes that did not arrive as they should."""


# What S3 calls it, with 400, that the credentials which signed a URL ran out before the URL did.
GRANT_OVER = ("ExpiredToken", "TokenRefreshRequired")


class StoreError(TransferError):
    """The store that holds the bytes answered with an error.

    :param message: What was asked and what came back, without the signature of the URL.
    :param status: HTTP status.
    :param retry_after: Seconds the store asked to wait, if it did.
    :param content_range: Content-Range of the answer; that of a 416 tells the length of the body.
    :param code: What an S3-like store calls the error.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        retry_after: float | None = None,
        transient: bool | None = None,
        content_range: str = "",
        code: str = "",
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = one_line(code, LONGEST_CODE)
        self.content_range = content_range
        self.retry_after = retry_after
        if transient is not None:
            self.transient = transient

    @property
    def refuses_grant(self) -> bool:
        """Whether another URL may help: this one, or the credentials that signed it, may have run out."""
        return self.status in {401, 403} or self.code in GRANT_OVER


class NotStoredYet(StoreError):
    """An s3 artifact is announced, but its bytes are not in the store, or not yet."""

    transient = True


class InvalidFraming(TransferError):
    """The headers of an answer cannot be read, so that nobody knows where its body ends. Nothing of it was taken."""

    transient = True


class Truncated(TransferError):
    """The body ended before all of it had come."""

    transient = True


class RangeMismatch(TransferError):
    """The store answered a range request with other bytes than were asked for."""

    transient = True


class Interrupted(TransferError):
    """The transfer was ended because its task was told to stop. The next try goes on with it."""

    transient = True


class HashMismatch(TransferError):
    """The bytes are not those that the service knows."""


class NotVerifiable(TransferError):
    """The service names no hash that can be checked (sha256 or sha512)."""


class TooLarge(TransferError):
    """More bytes than the caller allows."""


class SourceError(TransferError):
    """The source of an upload, such as a file in a bucket, cannot be read now."""

    transient = True


class SourceChanged(TransferError):
    """The source is not what it was when it was hashed. The upload was not finished."""


class ManifestRefused(TransferError):
    """The manifest of an object that was uploaded in parts is broken, or names what is not its own."""


class NotAsAnnounced(TransferError):
    """The store answers with another size or type than the task announced. Nothing was taken."""


class NameRefused(TransferError):
    """An artifact whose name cannot be a file of the destination, or would lead out of it. It was not stored."""


class ArchiveRefused(TransferError):
    """An archive is broken, or holds what must not be written. Nothing of it was extracted."""


class ReferenceRefused(TransferError):
    """A URL that a task chose, and the caller has not allowed such URLs."""


class DestinationError(TransferError):
    """The destination cannot be written. A later try, or another worker, may have room for it.

    :param transient: False for a path that no try can write, such as a name that is too long.
    """

    transient = True

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self.transient = transient
