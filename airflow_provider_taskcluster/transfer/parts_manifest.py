"""The manifest of an object that was uploaded in parts: a small JSON object under the real name, written last. Pure.

::

    {"version": 1, "size": 1234, "contentType": "application/zip", "sha256": "<of the whole>",
     "parts": [{"name": "<its own name>.part-<generation>-<number>", "offset": 0, "size": 1234,
                "sha256": "..."}, ...]}

A manifest makes its reader fetch the objects that it names, with the reader's scopes. So a manifest may name only parts
of its own object.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common import names
from airflow_provider_taskcluster.common.messages import json_kind
from airflow_provider_taskcluster.exceptions import InvalidInput, ManifestRefused
from airflow_provider_taskcluster.transfer.config import GIB, MIB

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTENT_TYPE = "application/vnd.taskcluster.multipart+json"
VERSION = 1
MOST_PARTS = 10_000
# What one PUT to S3 can carry.
LARGEST_PART = 5 * GIB
# 10,000 parts with names of 1,024 bytes would need more, but nobody has those.
LARGEST_MANIFEST = 16 * MIB

# The end of a part's name, after the name of its object.
_PART_SUFFIX = re.compile(r"\.part-[0-9a-f]{1,64}-[0-9]{1,9}")
_DIGESTS = {"sha256": re.compile(r"[0-9a-f]{64}"), "sha512": re.compile(r"[0-9a-f]{128}")}


@dataclass(frozen=True)
class Part:
    """One part, stored as an object of its own.

    :param name: Name of that object.
    :param offset: Offset in the whole, in bytes.
    :param size: Size in bytes.
    :param sha512: Digest that earlier versions of this provider stored beside the sha256; None in manifests of today.
    """

    name: str
    offset: int
    size: int
    sha256: str
    sha512: str | None = None

    @property
    def hashes(self) -> dict[str, str]:
        """The digests by algorithm."""
        return {"sha256": self.sha256} if self.sha512 is None else {"sha256": self.sha256, "sha512": self.sha512}

    def as_dict(self) -> dict[str, Any]:
        """Return the part for JSON."""
        return {name: value for name, value in vars(self).items() if value is not None}


@dataclass(frozen=True)
class Manifest:
    """The manifest: the whole object, and its parts in order."""

    size: int
    content_type: str
    sha256: str
    parts: Sequence[Part]

    def to_json(self) -> bytes:
        """Return the manifest as JSON. The same content gives the same bytes, so that a later try finds its own."""
        data = {
            "version": VERSION,
            "size": self.size,
            "contentType": self.content_type,
            "sha256": self.sha256,
            "parts": [part.as_dict() for part in self.parts],
        }
        return json.dumps(data, sort_keys=True, indent=1).encode() + b"\n"


def part_name(name: str, generation: str, number: int) -> str:
    """Return the name of a part. The scope for all parts is ``<name>.part-*``."""
    return f"{name}.part-{generation}-{number:05d}"


def is_manifest(content_type: str) -> bool:
    """Return whether a body of this content type is a manifest."""
    return content_type.partition(";")[0].strip().lower() == CONTENT_TYPE


def from_json(data: bytes, name: str) -> Manifest:
    """Parse and check the manifest of an object.

    :raises ManifestRefused: It is malformed, or names an object that is not one of its parts.
    """
    try:
        document = json.loads(data)
        version = document["version"]
        if type(version) is not int or version != VERSION:
            reason = f"its version is {json_kind(version)}, and this client knows {VERSION}: a newer one may help"
            raise _refused(name, reason)
        parts = [Part(**part) for part in document["parts"]]
        manifest = Manifest(document["size"], document["contentType"], document["sha256"], parts)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _refused(name, f"it cannot be read ({type(error).__name__})") from None
    _check(manifest, name)
    return manifest


def _check(manifest: Manifest, name: str) -> None:
    if not _is_content_type(manifest.content_type) or not _is_digest("sha256", manifest.sha256):
        raise _refused(name, "its content type or digest is invalid")
    if len(manifest.parts) > MOST_PARTS:
        raise _refused(name, f"it has over {MOST_PARTS} parts")
    end = 0
    for part in manifest.parts:
        _check_part(part, name)
        if part.offset != end:
            raise _refused(name, f"its parts leave a gap or overlap at byte {end}")
        end += part.size
    if type(manifest.size) is not int or manifest.size != end:
        raise _refused(name, f"its parts make up {end} bytes, and it says {json_kind(manifest.size)}")
    if len({part.name for part in manifest.parts}) != len(manifest.parts):
        raise _refused(name, "it names a part twice")


def _check_part(part: Part, name: str) -> None:
    own = isinstance(part.name, str) and part.name.startswith(name) and _PART_SUFFIX.fullmatch(part.name[len(name) :])
    if not own:
        raise _refused(name, f"it names {json_kind(part.name)}, which is not one of its parts")
    if type(part.offset) is not int or type(part.size) is not int or not 0 < part.size <= LARGEST_PART:
        raise _refused(name, f"the size of {part.name!r} is out of bounds")
    if not all(_is_digest(algorithm, value) for algorithm, value in part.hashes.items()):
        raise _refused(name, f"the digests of {part.name!r} are invalid")


def _is_content_type(value: Any) -> bool:
    try:
        names.content_type(value)
    except InvalidInput:
        return False
    return True


def _is_digest(algorithm: str, value: Any) -> bool:
    return isinstance(value, str) and _DIGESTS[algorithm].fullmatch(value) is not None


def _refused(name: str, reason: str) -> ManifestRefused:
    return ManifestRefused(
        f"The manifest of {name!r} is refused: {reason}. To look at it, download it with multipart_aware=False"
    )
