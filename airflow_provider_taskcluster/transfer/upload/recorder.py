"""Records of unfinished uploads, for retries that cannot derive the upload ids again.

The service is the record of finished parts. A record has neither URL nor credentials; but its key makes upload ids,
which are capabilities until the upload is finished, so only its owner may read its file. A file is synced before the
request that it is about, whatever the connection's ``durable``: an id lost by power loss blocks a name for a day.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import secrets
import time
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PosixPath, WindowsPath
from typing import TYPE_CHECKING, Any, Protocol, cast

from airflow_provider_taskcluster.exceptions import DestinationError, InvalidInput
from airflow_provider_taskcluster.transfer.sink import leftovers
from airflow_provider_taskcluster.transfer.sink.base import PERMANENT_ERRNOS
from airflow_provider_taskcluster.transfer.source.local_paths import path_text
from airflow_provider_taskcluster.transfer.storage_paths import is_storage_path, storage_file
from airflow_provider_taskcluster.transfer.upload.record_files import TEMPORARY_SUFFIX, read_local, write_local

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
PREFIX = "taskcluster-upload-"


@dataclass(frozen=True)
class UploadRecord:
    """A key, or a part size, recorded for the next try.

    :param root_url: Root URL of the service.
    :param project_id: Project of the object.
    :param name: Name of the object.
    :param expires: Expiry of the object and the record, in milliseconds since 1970.
    :param size: Bytes of the source.
    :param sha256: Digest of the source, in hex.
    :param part_size: Bytes of a part; None in the record of a key.
    :param key: Key of the upload ids; None in the record of a part size.
    """

    root_url: str
    project_id: str
    name: str
    expires: int
    size: int
    sha256: str
    part_size: int | None = None
    key: str | None = field(default=None, repr=False)

    @property
    def slot(self) -> str:
        """Name under which the record is kept.

        A key is kept for each content of a target: an upload of other content, which meets a conflict, must not
        overwrite it. A part size is kept for the target, as it is looked up before the content is known.
        """
        return slot(self.root_url, self.project_id, self.name, None if self.part_size else self.sha256)

    def fits(self, other: UploadRecord) -> bool:
        """Tell whether another record is of the same target, expiry and content."""
        return self._facts() == other._facts()

    def _facts(self) -> tuple[Any, ...]:
        return (self.root_url, self.project_id, self.name, self.expires, self.size, self.sha256)


def slot(root_url: str, project_id: str, name: str, sha256: str | None = None) -> str:
    """Return the name of the record of a target, or of one content of it."""
    target = json.dumps([root_url, project_id, name, *([sha256] if sha256 else [])])
    return PREFIX + hashlib.sha256(target.encode()).hexdigest()[:32]


class Recorder(Protocol):
    """Keeps JSON documents by slot."""

    def load(self, slot: str) -> Any:
        """Return the saved document, None if there is none, or it is unreadable for good.

        Raise if it cannot be read now: a None would let it be overwritten.
        """

    def save(self, slot: str, document: dict[str, Any]) -> None:
        """Save the document, replacing an older one."""

    def delete(self, slot: str) -> None:
        """Delete the document."""


def load(recorder: Recorder | None, slot: str) -> UploadRecord | None:
    """Return the record in a slot; None if there is none, or it is broken, expired or of another version."""
    document = recorder.load(slot) if recorder else None
    try:
        if document is None or document.pop("version") != VERSION:
            return None
        record = UploadRecord(**document)
        return record if record.slot == slot and _is_valid(record) and not _is_expired(record) else None
    except (TypeError, AttributeError, KeyError, ValueError):
        return None


def save(recorder: Recorder | None, record: UploadRecord) -> None:
    """Save a record."""
    if recorder:
        recorder.save(record.slot, _document(record))


def save_first(recorder: Recorder | None, record: UploadRecord) -> UploadRecord:
    """Save a record if there is none; return it, or the one that a concurrent try has saved.

    Only a local folder detects concurrent saves; elsewhere, the later one wins.
    """
    if isinstance(recorder, DirectoryRecorder):
        if recorder.add(record.slot, _document(record)):
            return record
        if saved := load(recorder, record.slot):
            return saved
    save(recorder, record)  # also replaces one that is expired or broken
    return record


def _document(record: UploadRecord) -> dict[str, Any]:
    return {"version": VERSION, **asdict(record)}


def forget(recorder: Recorder | None, record: UploadRecord) -> None:
    """Delete a record; errors are ignored, since the next try treats it as void."""
    if recorder:
        with contextlib.suppress(Exception):
            recorder.delete(record.slot)


def check_recorder(recorder: Recorder | None, record: UploadRecord) -> None:
    """Check that records can be kept, by saving and deleting a probe, before a response that comes only once.

    The probe has expired, so that one that a killed process leaves is swept.

    :raises DestinationError: Records cannot be kept.
    """
    if recorder:
        probe = replace(record, name=f"{record.name} {secrets.token_hex(8)}", key="probe", expires=0)
        save(recorder, probe)
        forget(recorder, probe)


class StateStoreRecorder:
    """Keeps records in Airflow's task state store (3.3 and later), which outlives a try, its worker and a clear."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def load(self, slot: str) -> Any:
        """Return the saved document."""
        saved = self._store.get(slot)
        return dict(saved) if isinstance(saved, dict) else None

    def save(self, slot: str, document: dict[str, Any]) -> None:
        """Save the document."""
        self._store.set(slot, document)

    def delete(self, slot: str) -> None:
        """Delete the document."""
        self._store.delete(slot)


class DirectoryRecorder:
    """Keeps records as files in a folder that all tries reach.

    :param folder: A path, or anything with the methods of one, such as an ``ObjectStoragePath``.
    """

    def __init__(self, folder: Any) -> None:
        local = getattr(folder, "protocol", None) in {"file", "local"}
        self._folder = Path(path_text(getattr(folder, "path", folder))) if local or isinstance(folder, str) else folder

    @property
    def _local(self) -> bool:
        """Whether it is a local folder; Airflow 2's ``ObjectStoragePath`` is a ``Path``, too."""
        return isinstance(self._folder, PosixPath | WindowsPath)

    def load(self, slot: str) -> Any:
        """Return the saved document; None if there is none, it is no JSON, or it may be another user's.

        :raises DestinationError: It cannot be read now. A None would let it be overwritten.
        """
        try:
            with self._explained("read from"):
                return json.loads(self._read(self._file(slot)))
        except (FileNotFoundError, ValueError, RecursionError):
            return None

    def save(self, slot: str, document: dict[str, Any]) -> None:
        """Save the document, and sweep expired ones."""
        self._keep(slot, document, first=False)

    def add(self, slot: str, document: dict[str, Any]) -> bool:
        """Save the document unless there is one; return whether it was saved."""
        return self._keep(slot, document, first=True)

    def delete(self, slot: str) -> None:
        """Delete the document, and sweep: an upload that finds its record writes none."""
        with contextlib.suppress(FileNotFoundError):
            self._file(slot).unlink()
        self.sweep()

    def sweep(self) -> None:
        """Delete expired and broken records, and temporary files of killed processes."""
        with contextlib.suppress(OSError):
            for file in list(self._folder.iterdir()):
                if file.name.startswith(PREFIX) and self._is_dead(file):
                    with contextlib.suppress(OSError):
                        file.unlink()

    def _is_dead(self, file: Any) -> bool:
        with contextlib.suppress(OSError, DestinationError):  # maybe another user's, in a shared folder
            if file.name.endswith(TEMPORARY_SUFFIX):  # left by a killed process
                return bool(file.stat().st_mtime < time.time() - leftovers.AGE)
            if file.name.endswith(".json"):
                return load(self, file.name.removesuffix(".json")) is None
        return False

    @contextlib.contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        """Turn errors of a file system into a ``DestinationError``, except ``FileNotFoundError``."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = error.strerror or error
            raise DestinationError(
                f"The record of an upload cannot be {verb} {self._folder}: {reason}; name one that can be",
                transient=error.errno not in PERMANENT_ERRNOS - {errno.ELOOP},  # the owner may remove a link
            ) from error

    def _file(self, slot: str) -> Any:
        return self._folder / f"{slot}.json"

    def _read(self, file: Any) -> str:
        if not self._local:
            if is_storage_path(file):
                file.fs.invalidate_cache(file.path)  # another process may have written it since
            return str(file.read_text())
        return read_local(self._folder, file.name)

    def _keep(self, slot: str, document: dict[str, Any], *, first: bool) -> bool:
        with self._explained("kept in"):
            write = write_local if self._local else self._write_elsewhere
            kept = write(self._file(slot), json.dumps(document), first=first)
        self.sweep()
        return kept

    def _write_elsewhere(self, file: Any, string: str, *, first: bool) -> bool:  # noqa: ARG002 (nobody can tell there)
        self._folder.mkdir(parents=True, exist_ok=True)
        file.write_text(string)
        return True


def recorder_for(recorder: Recorder | Any | None) -> Recorder | None:
    """Return the recorder for an argument: a recorder, a folder, its path, or None.

    :raises InvalidInput: It is none of these.
    """
    if recorder is None or hasattr(recorder, "load"):
        return cast("Recorder | None", recorder)
    if isinstance(recorder, str) and "://" in recorder:
        raise InvalidInput(f"recorder is {recorder!r}: pass a path, or ObjectStoragePath({recorder!r})")
    if not recorder or not (isinstance(recorder, str) or hasattr(recorder, "iterdir")):
        raise InvalidInput(f"recorder is {recorder!r}: pass a folder or its path")
    if is_storage_path(recorder) and storage_file(recorder).immutable:  # type: ignore[arg-type]  # checked just before
        raise InvalidInput(
            f"recorder is {str(recorder)!r}: records are replaced and deleted, which objects are not: pass a folder of "
            f"this machine, or of a bucket"
        )
    return DirectoryRecorder(recorder)


def _is_valid(record: UploadRecord) -> bool:
    """Tell whether the values of a record are valid: it may be damaged, or written by another program."""
    strings = (record.root_url, record.project_id, record.name, record.sha256, record.key or "")
    numbers = (record.expires, record.size, record.part_size or 0)
    typed = all(isinstance(string, str) for string in strings) and all(type(number) is int for number in numbers)
    return typed and record.key != "" and (record.part_size is None or record.part_size > 0)


def _is_expired(record: UploadRecord) -> bool:
    return record.expires <= datetime.now(UTC).timestamp() * 1000
