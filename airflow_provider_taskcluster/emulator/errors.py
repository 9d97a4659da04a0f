"""What the services refuse, by Taskcluster's error codes.

ApiError
├── MalformedPayload         400  the body is no JSON
├── InvalidRequestArguments  400  a part of the URL is not of its form
├── InputValidationError     400  the body breaks its schema
├── InputError               400  anything else wrong with the input
├── AuthenticationFailed     401
├── InsufficientScopes       403
├── ResourceNotFound         404
├── NoMatchingMethod         406
├── RequestConflict          409
├── ResourceExpired          410
├── InputTooLarge            413
└── InternalServerError      500
"""

from __future__ import annotations


class ApiError(Exception):
    """A refusal: the class name is the ``code`` of the answer, ``status`` its HTTP status."""

    status = 500

    @property
    def code(self) -> str:
        """The error code as clients see it."""
        return type(self).__name__


class MalformedPayload(ApiError):
    """The request body is not JSON."""

    status = 400


class InvalidRequestArguments(ApiError):
    """A path or query parameter does not have the form it must have."""

    status = 400


class InputValidationError(ApiError):
    """The request body does not follow its schema."""

    status = 400


class InputError(ApiError):
    """The request is well-formed and still wrong."""

    status = 400


class AuthenticationFailed(ApiError):
    """Credentials were given and they do not hold."""

    status = 401


class InsufficientScopes(ApiError):
    """The caller, known or anonymous, lacks a scope."""

    status = 403


class ResourceNotFound(ApiError):
    """There is no such thing (yet, or any more)."""

    status = 404


class NoMatchingMethod(ApiError):
    """None of the methods that the caller accepts is on offer."""

    status = 406


class RequestConflict(ApiError):
    """The request contradicts what the service already holds."""

    status = 409


class ResourceExpired(ApiError):
    """The thing was there and its time is over."""

    status = 410


class InputTooLarge(ApiError):
    """The request body is larger than the service reads."""

    status = 413


class InternalServerError(ApiError):
    """Where the real service trips over itself."""
