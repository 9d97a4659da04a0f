"""The exceptions of this provider.

::

    TaskclusterError                 the root; also an AirflowException
    ├── ConfigurationError           the connection or the environment cannot work
    ├── WouldBlockLoop               reading the connection here would block the event loop
    ├── InvalidInput                 an argument is invalid; nothing was sent
    │   └── InvalidName              a name that the services or stores do not allow
    ├── ConnectionFailed             no response: refused, reset, timed out            (transient)
    ├── ServiceError                 a Taskcluster API responded with an error
    │   ├── AuthenticationFailed     401: wrong or expired credentials
    │   ├── InsufficientScopes       403: the client lacks a scope
    │   ├── NotFound                 404
    │   ├── NoMatchingMethod         406: no download method in common
    │   ├── Conflict                 409: the name is taken, or other hashes are recorded
    │   ├── Expired                  410
    │   ├── UnreadableAnswer         a success status without the expected JSON
    │   └── ServiceUnavailable       408, 425, 429, 5xx                                (transient)
    ├── AmbiguousName                several artifacts match a name, and none exactly
    ├── ArtifactError                the task published an error instead of the artifact
    ├── WillNotCome                  the wait can no longer succeed
    ├── WaitFailed                   the wait itself broke down                        (transient)
    ├── TaskNotCompleted             a task that a DAG runs did not complete           (transient if retry_on says so)
    │   └── FunctionFailed           a function that ran as a task raised an exception (the same)
    └── TransferError                an upload or download failed
        ├── StoreError               the store responded with an error (transient for 408, 425, 429, 5xx)
        │   └── NotStoredYet         an s3 artifact is announced, but not stored       (transient)
        ├── InvalidFraming           headers that do not define the end of the body    (transient)
        ├── Truncated                the body ended early                              (transient)
        ├── RangeMismatch            the store sent another range than requested       (transient)
        ├── Interrupted              the task was stopped                              (transient)
        ├── HashMismatch             the content does not have the expected hash
        ├── NotVerifiable            the service has no hash that can be checked
        ├── TooLarge                 more bytes than the caller allows
        ├── SourceError              the source cannot be read                         (transient)
        ├── SourceChanged            the source has changed since it was hashed
        ├── ManifestRefused          the manifest of an object in parts is broken, or not its own
        ├── NotAsAnnounced           the stored artifact differs from what was announced
        ├── NameRefused              an artifact name that cannot be a file name
        ├── ArchiveRefused           an archive is broken, or has an entry that is refused
        ├── ReferenceRefused         a URL chosen by a task, which is not allowed
        └── DestinationError         the destination cannot be written: disk full...    (transient)

Each error names the thing and the next step, can be pickled, and tells whether the same request may succeed later
(``transient``). What follows from that is decided in ``common/retry.py`` for requests, and in
``common/task_failure.py`` for tasks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import AirflowException

from airflow_provider_taskcluster.common.messages import LONGEST_MESSAGE, one_line, visible

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_CODE = 100


class TaskclusterError(AirflowException):
    """Root of the tree. ``transient``: the same request may succeed later. ``given_up``: all retries are used up.

    :param message: The complete message. It is put on one line, with control characters made visible.
    """

    transient = False
    given_up = False

    def __init__(self, message: object = "") -> None:
        super().__init__(visible(message, LONGEST_MESSAGE))


class ConfigurationError(TaskclusterError):
    """The connection or the environment cannot work; the message says what to change."""


class WouldBlockLoop(TaskclusterError):
    """The connection is read in the event loop that has to deliver it, which would block forever."""


class InvalidInput(TaskclusterError):
    """An argument is invalid. Nothing was sent."""


class InvalidName(InvalidInput):
    """A name that the services or stores do not allow."""


class ConnectionFailed(TaskclusterError):
    """No response: refused, reset, timed out, or a certificate that is not trusted (not transient)."""

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self.transient = transient


class ServiceError(TaskclusterError):
    """A Taskcluster API responded with an error.

    :param message: The call, the response, and the next step.
    :param status: HTTP status, 0 if there was none.
    :param code: Taskcluster's error code, such as ``RequestConflict``; empty if the response is not Taskcluster's.
    :param retry_after: Seconds of a ``Retry-After`` header, if there was one.
    """

    def __init__(self, message: str, *, status: int = 0, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = one_line(code, LONGEST_CODE)
        self.retry_after = retry_after
        self.reason = ""  # the message of the service, on one line


class AuthenticationFailed(ServiceError):
    """401: the credentials are wrong, expired or not known."""


class InsufficientScopes(ServiceError):
    """403: the client lacks a scope; the message names it."""


class NotFound(ServiceError):
    """404: it does not exist, or not yet (an upload that is not finished)."""


class NoMatchingMethod(ServiceError):
    """406: the service offers no download method that this client knows."""


class Conflict(ServiceError):
    """409: the name is taken, or other hashes are recorded. ``unfinished``: no finished object was found there."""

    unfinished = False


class Expired(ServiceError):
    """410: it existed, and has expired."""


class UnreadableAnswer(ServiceError):
    """A success status without the expected JSON: probably the root URL of another site. A wait checks again."""


class ServiceUnavailable(ServiceError):
    """408, 425, 429 or 5xx: the service is not available now."""

    transient = True


class AmbiguousName(TaskclusterError):
    """Several artifacts match a name except for upper and lower case, and none exactly. Nothing was downloaded.

    :param message: The complete message.
    :param candidates: The names that match.
    """

    def __init__(self, message: str, *, candidates: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.candidates = tuple(candidates)


class ArtifactError(TaskclusterError):
    """The task published an error instead of the artifact.

    :param message: The complete message.
    :param reason: Taskcluster's reason, such as ``file-missing-on-worker``.
    """

    def __init__(self, message: str, *, reason: str = "") -> None:
        super().__init__(message)
        self.reason = one_line(reason, LONGEST_CODE)


class WillNotCome(TaskclusterError):
    """The wait can no longer succeed; the message says what happened instead."""


class WaitFailed(TaskclusterError):
    """The wait itself broke down, not what it waits for. A retry of the task waits anew."""

    transient = True


class TaskNotCompleted(TaskclusterError):
    """A Taskcluster task that a DAG runs did not complete.

    :param transient: Whether another try of the Airflow task may help, by its ``retry_on``.
    """

    def __init__(self, message: str, *, transient: bool = False) -> None:
        super().__init__(message)
        self.transient = transient


class FunctionFailed(TaskNotCompleted):
    """A function that ran as a task raised what cannot be rebuilt here; ``remote_traceback`` is that of the worker."""

    remote_traceback = ""


class TransferError(TaskclusterError):
    """An upload or download failed."""


# S3's error codes (with status 400) for a URL whose signing credentials have expired before the URL itself.
GRANT_OVER = ("ExpiredToken", "TokenRefreshRequired")


class StoreError(TransferError):
    """The store responded with an error.

    :param message: The request and the response, without the signature of the URL.
    :param status: HTTP status.
    :param retry_after: Seconds of a ``Retry-After`` header, if there was one.
    :param content_range: The ``Content-Range`` header; with 416 it has the length of the body.
    :param code: Error code of an S3-like store.
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
        """Whether a new URL may help: this one, or the credentials that signed it, may have expired."""
        return self.status in {401, 403} or self.code in GRANT_OVER


class NotStoredYet(StoreError):
    """An s3 artifact is announced, but not in the store, or not yet."""

    transient = True


class InvalidFraming(TransferError):
    """The headers of a response do not define where its body ends. Nothing of it was used."""

    transient = True


class Truncated(TransferError):
    """The body ended early."""

    transient = True


class RangeMismatch(TransferError):
    """The store sent another range than was requested."""

    transient = True


class Interrupted(TransferError):
    """The transfer ended because its task was stopped. The next try resumes it."""

    transient = True


class HashMismatch(TransferError):
    """The content does not have the expected hash."""


class NotVerifiable(TransferError):
    """The service has no hash that can be checked (sha256 or sha512)."""


class TooLarge(TransferError):
    """More bytes than the caller allows."""


class SourceError(TransferError):
    """The source of an upload, such as a file in a bucket, cannot be read now."""

    transient = True


class SourceChanged(TransferError):
    """The source has changed since it was hashed. The upload was not finished."""


class ManifestRefused(TransferError):
    """The manifest of an object that was uploaded in parts is broken, or names parts that are not its own."""


class NotAsAnnounced(TransferError):
    """The stored artifact has another size or type than the task announced. Nothing was used."""


class NameRefused(TransferError):
    """An artifact name that cannot be a file name at the destination, or leads out of it. It was not written."""


class ArchiveRefused(TransferError):
    """An archive is broken, or has an entry that is refused. Nothing of it was extracted."""


class ReferenceRefused(TransferError):
    """The artifact is a URL that the task chose, and the caller has not allowed such URLs."""


class DestinationError(TransferError):
    """The destination cannot be written. A later try, or another worker, may have room for it.

    :param transient: False for a path that can never be written, such as a name that is too long.
    """

    transient = True

    def __init__(self, message: str, *, transient: bool = True) -> None:
        super().__init__(message)
        self.transient = transient
