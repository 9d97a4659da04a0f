"""The object service: negotiation of uploads and downloads; a finished object never changes."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.emulator.clock import DAY, SECOND, from_json, to_json
from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import (
    InputError,
    InternalServerError,
    NoMatchingMethod,
    RequestConflict,
    ResourceNotFound,
)

from .replies import Redirect

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row
    from airflow_provider_taskcluster.emulator.schemas.objects import (
        CreateUpload,
        FinishUpload,
        ProposedUploadMethods,
        PutUrl,
        StartDownload,
    )

BUCKET = "objects"

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - a token of HTTP, not of access
_QUOTED = r'"([^"\\]|\\.)*"'
_NO_BASE64 = re.compile(r"[^A-Za-z0-9+/]")
CONTENT_TYPE = re.compile(rf"{_TOKEN}/{_TOKEN}( *; *{_TOKEN}=({_TOKEN}|{_QUOTED}))*")


class ObjectService:
    """Objects by name. An unfinished object has an ``upload_id``; a finished one has none, and is readable."""

    def __init__(self, context: Context) -> None:
        self._database = context.database
        self._clock = context.clock
        self._store = context.store
        self._settings = context.settings

    def create_upload(self, caller: Caller, name: str, request: CreateUpload) -> dict[str, Any]:
        """Begin or continue an upload, which is identified by name, projectId, uploadId and expires."""
        caller.require(f"object:upload:{request.projectId}:{name}")
        with self._database.transaction():
            self._begin(name, request.projectId, request.uploadId, from_json(request.expires))
            self._add_hashes(name, request.hashes.model_dump(exclude_none=True))
        return {
            "projectId": request.projectId,
            "uploadId": request.uploadId,
            "expires": request.expires,
            "uploadMethod": self._grant(name, request.proposedUploadMethods),
        }

    def reserve(self, name: str, project_id: str, upload_id: str, expires: int) -> None:
        """Reserve a name for a later upload, as the queue does for object artifacts."""
        with self._database.transaction():
            self._begin(name, project_id, upload_id, expires)

    def finish_upload(self, caller: Caller, name: str, request: FinishUpload) -> dict[str, Any]:
        """Finish an upload, which makes the object readable. Whether data was PUT is not checked."""
        caller.require(f"object:upload:{request.projectId}:{name}")
        hashes = request.hashes.model_dump(exclude_none=True)
        with self._database.transaction():
            row = self._find(name)
            if row is None:
                raise ResourceNotFound(f'Object "{name}" not found')
            if row["project_id"] != request.projectId:
                raise InputError(f'Object "{name}" does not have projectId {request.projectId}')
            if row["upload_id"] is None:
                _same_hashes(name, unpack(row["hashes"]), hashes)
                return {}
            if row["upload_id"] != request.uploadId:
                raise RequestConflict(f'Object "{name}" does not have uploadId {request.uploadId}')
            self._add_hashes(name, hashes)
            self._database.execute(
                "UPDATE objects SET upload_id = NULL, swept = max(swept, expires) WHERE name = ?", name
            )
        return {}

    def start_download(self, _: Caller, name: str, request: StartDownload) -> dict[str, Any]:
        """Choose the first of the server's download methods that the caller accepts."""
        row = self._readable(name)
        accepted = request.acceptDownloadMethods.model_dump(exclude_none=True)
        return self._offer(row, accepted)

    def metadata(self, _: Caller, name: str) -> dict[str, Any]:
        """Return the metadata of a finished object."""
        row = self._readable(name)
        return {
            "projectId": row["project_id"],
            "expires": to_json(row["expires"]),
            "hashes": unpack(row["hashes"]),
        }

    def download(self, _: Caller, name: str) -> Redirect:
        """Redirect to the content, for browsers and curl."""
        return Redirect(self.simple_url(name))

    def simple_url(self, name: str) -> str:
        """Return the URL of a simple download."""
        return str(self._offer(self._readable(name), ["simple"])["url"])

    def is_finished(self, name: str) -> bool:
        """Whether the upload of an object is finished."""
        row = self._find(name)
        return row is not None and row["upload_id"] is None

    def _find(self, name: str) -> Row | None:
        return self._database.one("SELECT * FROM objects WHERE name = ? AND swept > ?", name, self._clock.now())

    def _readable(self, name: str) -> Row:
        row = self._find(name)
        if row is None or row["upload_id"] is not None or row["expires"] <= self._clock.now():
            raise ResourceNotFound(f'Object "{name}" not found')
        return row

    def _begin(self, name: str, project_id: str, upload_id: str, expires: int) -> None:
        """Reserve the name for this identity for a day; RequestConflict if another identity has it."""
        now = self._clock.now()
        self._database.execute("DELETE FROM objects WHERE swept <= ?", now)
        taken = self._database.one("SELECT * FROM objects WHERE name = ? OR upload_id = ?", name, upload_id)
        if taken is None:
            self._database.execute(
                "INSERT INTO objects VALUES (?, ?, ?, ?, ?, ?)",
                *(name, project_id, upload_id, "{}", expires, now + DAY),
            )
            return
        identity = (taken["name"], taken["project_id"], taken["upload_id"], taken["expires"])
        if identity != (name, project_id, upload_id, expires):
            raise RequestConflict("Object already exists")
        self._database.execute("UPDATE objects SET swept = ? WHERE name = ?", now + DAY, name)

    def _add_hashes(self, name: str, hashes: dict[str, str]) -> None:
        row = self._database.one("SELECT hashes FROM objects WHERE name = ?", name)
        known: dict[str, str] = unpack(row["hashes"]) if row else {}
        if any(known.get(algorithm, value) != value for algorithm, value in hashes.items()):
            raise RequestConflict("Content hash already exists with a different value")
        self._database.execute("UPDATE objects SET hashes = ? WHERE name = ?", pack({**known, **hashes}), name)

    def _grant(self, name: str, proposed: ProposedUploadMethods) -> dict[str, Any]:
        """Choose the first of the server's upload methods that the caller proposed, or none."""
        for method in self._settings.upload_methods:
            if method == "dataInline" and (inline := proposed.dataInline):
                _check_content_type(inline.contentType)
                self._store.put(BUCKET, name, _decode(inline.objectData), inline.contentType)
                return {"dataInline": True}
            if method == "putUrl" and proposed.putUrl:
                return {"putUrl": self._put_url(name, proposed.putUrl)}
        return {}

    def _put_url(self, name: str, proposal: PutUrl) -> dict[str, Any]:
        _check_content_type(proposal.contentType)
        headers = {
            "Content-Type": proposal.contentType,
            "Content-Length": str(proposal.contentLength),
            "Content-Encoding": "identity",
        }
        if proposal.contentType.split(";")[0].strip().lower() in {"text/html", "application/xhtml+xml"}:
            headers["Content-Disposition"] = "attachment"
        seconds = self._settings.lifetimes.put_url
        return {
            "url": self._store.put_url(BUCKET, name, seconds=seconds, headers=headers),
            "expires": to_json(self._clock.now() + int(seconds * SECOND)),
            "headers": headers,
        }

    def _offer(self, row: Row, accepted: list[str] | dict[str, Any]) -> dict[str, Any]:
        """Return the grant of the first of the server's download methods that the caller accepts."""
        methods = self._settings.download_methods
        method = next((m for m in methods if m in accepted), None)
        if method is None:
            raise NoMatchingMethod(f"Object supports methods {', '.join(methods)}")
        seconds = self._settings.lifetimes.get_url
        url = self._store.get_url(BUCKET, row["name"], seconds=2 * seconds)
        if method == "simple":
            return {"method": method, "url": url}
        expires = to_json(self._clock.now() + int(seconds * SECOND))
        return {"method": method, "url": url, "expires": expires, "hashes": unpack(row["hashes"])}


def _same_hashes(name: str, known: dict[str, str], given: dict[str, str]) -> None:
    """Raise RequestConflict if hashes given for a finished object are new, or differ from its own."""
    for algorithm, value in given.items():
        if algorithm not in known:
            raise RequestConflict(f'Object "{name}" is already finished, but without hash {algorithm}')
        if known[algorithm] != value:
            raise RequestConflict(f'Object "{name}" is already finished, but with a different hash {algorithm}')


def _check_content_type(content_type: str) -> None:
    """Respond with 500 to an invalid content type, on which the real service's storage library throws."""
    if not CONTENT_TYPE.fullmatch(content_type):
        raise InternalServerError("invalid media type")


def _decode(text: str) -> bytes:
    """Decode base64 leniently: invalid characters are skipped, missing padding is added."""
    clean = _NO_BASE64.sub("", text.replace("-", "+").replace("_", "/"))
    if len(clean) % 4 == 1:
        clean = clean[:-1]
    return base64.b64decode(clean + "=" * (-len(clean) % 4))
