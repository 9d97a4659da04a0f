"""What the store refuses, in the words and the XML of S3."""

from __future__ import annotations

from xml.sax.saxutils import escape


class StoreError(Exception):
    """A refusal with S3's error code; ``headers`` go with the answer."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers or {}

    def xml(self, path: str) -> bytes:
        """The body of the answer."""
        return (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message>"
            f"<Resource>{escape(path)}</Resource></Error>"
        ).encode()


def access_denied(message: str = "Access Denied") -> StoreError:
    """No signature, or one whose time is over."""
    return StoreError(403, "AccessDenied", message)


def signature_mismatch() -> StoreError:
    """A signature for another request than this one."""
    return StoreError(
        403,
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided.",
    )


def no_such_key() -> StoreError:
    """Nothing was ever PUT there."""
    return StoreError(404, "NoSuchKey", "The specified key does not exist.")


def invalid_range(size: int) -> StoreError:
    """A range that begins after the end."""
    return StoreError(
        416, "InvalidRange", "The requested range is not satisfiable", {"Content-Range": f"bytes */{size}"}
    )
