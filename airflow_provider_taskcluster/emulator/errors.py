"""Errors of the services, named by Taskcluster's error codes.

ApiError
├── MalformedPayload         400  the body is no JSON
├── InvalidRequestArguments  400  a part of the URL has the wrong form
├── InputValidationError     400  the body breaks its schema
├── InputError               400  anything else wrong with the input
├── DenylistedAddress        400  notify sends nothing there
├── AuthenticationFailed     401
├── InsufficientScopes       403
├── ResourceNotFound         404
├── NoMatchingMethod         406
├── RequestConflict          409
├── ResourceExpired          410
└── InternalServerError      500
"""

from __future__ import annotations


class ApiError(Exception):
    """Base of all errors: the class name is the error ``code`` of the response, ``status`` its HTTP status."""

    status = 500

    @property
    def code(self) -> str:
        """The error code as clients see it."""
        return type(self).__name__


class MalformedPayload(ApiError):
    """The request body is not JSON."""

    status = 400


class InvalidRequestArguments(ApiError):
    """A path or query parameter has the wrong form."""

    status = 400


class InputValidationError(ApiError):
    """The request body does not follow its schema."""

    status = 400


class InputError(ApiError):
    """The request is well-formed, but its content is wrong."""

    status = 400


class DenylistedAddress(ApiError):
    """The address is on the denylist of the notify service."""

    status = 400


class AuthenticationFailed(ApiError):
    """The given credentials are not valid."""

    status = 401


class InsufficientScopes(ApiError):
    """The caller, known or anonymous, lacks a scope."""

    status = 403


class ResourceNotFound(ApiError):
    """The resource does not exist, or not yet, or not any more."""

    status = 404


class NoMatchingMethod(ApiError):
    """The server offers none of the methods that the caller accepts."""

    status = 406


class RequestConflict(ApiError):
    """The request contradicts what the service already holds."""

    status = 409


class ResourceExpired(ApiError):
    """The resource existed and has expired."""

    status = 410


class InternalServerError(ApiError):
    """A failure of the service itself; the real one has the same bug where this is raised on purpose."""
