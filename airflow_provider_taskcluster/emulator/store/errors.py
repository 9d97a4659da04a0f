"""Errors of the store, with the codes and the XML of S3."""

from __future__ import annotations

from xml.sax.saxutils import escape


class StoreError(Exception):
    """An error with S3's code; ``headers`` are sent with the response."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def xml(self, path: str) -> bytes:
        """Return the body of the response."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message>"
            f"<Resource>{escape(path)}</Resource></Error>"
        ).encode()


def access_denied(message: str = "Access Denied") -> StoreError:
    """Return the error for a missing or expired signature."""
    return StoreError(403, "AccessDenied", message)


def signature_mismatch() -> StoreError:
    """Return the error for a signature of another request."""
    return StoreError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    )


def no_such_key() -> StoreError:
    """Return the error for a key that does not exist."""
    return StoreError(404, "NoSuchKey", "The specified key does not exist.")


def invalid_range(size: int) -> StoreError:
    """Return the error for a range that begins after the end."""
    return StoreError(
        416, "InvalidRange", "The requested range is not satisfiable", {"Content-Range": f"bytes */{size}"}
    )
