"""A small record of an upload that is not finished, for the next try, where upload ids cannot be derived again.

The service itself is the record of finished parts. Never a URL or a credential in it; its key makes upload ids, which
are capabilities until the upload is finished, so files are for their owner only. A file is on disk before the request
that it is about, whatever the connection's ``durable`` is: an id that power loss takes away blocks a name for a day.
"""

from __future__ import annotations

import contextlib
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
from airflow_provider_taskcluster.transfer.source.paths import path_text
from airflow_provider_taskcluster.transfer.storage_paths import is_storage_path, storage_file
from airflow_provider_taskcluster.transfer.upload.record_files import NEW, read_local, write_local

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
PREFIX = "taskcluster-upload-"


@dataclass(frozen=True)
class UploadRecord:
    """What a try leaves to the next: a key, or the part size.

    :param root_url: Of the service.
    :param project_id: Of the object.
    :param name: Of the object.
    :param expires: When it ends, in milliseconds since 1970; the record is dead then.
    :param size: Bytes of the source.
    :param sha256: Digest of the source, in hex.
    :param part_size: Bytes of a part; None in the record of a key.
    :param key: What the upload ids are derived from; None in the record of a part size.
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
        """Where it is kept.

        A key is kept for each content of a target: an upload of other content, which meets a conflict, must not write
        over it. The part size is looked up before the content is known, and kept for the target.
        """
        return slot(self.root_url, self.project_id, self.name, None if self.part_size else self.sha256)

    def fits(self, other: UploadRecord) -> bool:
        """Tell whether it is of the same upload: target, expiry and content."""
        return self._facts() == other._facts()

    def _facts(self) -> tuple[Any, ...]:
        return (self.root_url, self.project_id, self.name, self.expires, self.size, self.sha256)


def slot(root_url: str, project_id: str, name: str, sha256: str | None = None) -> str:
    """Return the name under which the record of a target is kept, or of one content of it."""
    target = json.dumps([root_url, project_id, name, *([sha256] if sha256 else [])])
    return PREFIX + hashlib.sha256(target.encode()).hexdigest()[:32]


class Recorder(Protocol):
    """Keeps JSON documents by slot."""

    def load(self, slot: str) -> Any:
        """Return what was saved, None if there is nothing, or nothing that makes sense.

        Raises where it cannot be read now: what is taken for nothing is overwritten.
        """

    def save(self, slot: str, document: dict[str, Any]) -> None:
        """Keep it, in place of an older one."""

    def delete(self, slot: str) -> None:
        """Forget it."""


def load(recorder: Recorder | None, slot: str) -> UploadRecord | None:
    """Return the record in a slot; None if there is none, or it is broken, dead or of another version."""
    document = recorder.load(slot) if recorder else None
    try:
        if document is None or document.pop("version") != VERSION:
            return None
        record = UploadRecord(**document)
        return record if record.slot == slot and _sound(record) and not _dead(record) else None
    except (TypeError, AttributeError, KeyError, ValueError):
        return None


def save(recorder: Recorder | None, record: UploadRecord) -> None:
    """Keep a record."""
    if recorder:
        recorder.save(record.slot, _document(record))


def save_first(recorder: Recorder | None, record: UploadRecord) -> UploadRecord:
    """Keep a record where there is none; return it, or the one that another try has kept at the same moment.

    Only in a folder of a disk can that be told: elsewhere the later one counts.
    """
    if isinstance(recorder, DirectoryRecorder):
        if recorder.add(record.slot, _document(record)):
            return record
        if found := load(recorder, record.slot):
            return found
    save(recorder, record)  # also in the place of one that is dead, or makes no sense
    return record


def _document(record: UploadRecord) -> dict[str, Any]:
    return {"version": VERSION, **asdict(record)}


def forget(recorder: Recorder | None, record: UploadRecord) -> None:
    """Drop a record; failing that, it is void for the next try anyway."""
    if recorder:
        with contextlib.suppress(Exception):
            recorder.delete(record.slot)


def check(recorder: Recorder | None, record: UploadRecord) -> None:
    """Find out whether a record can be kept: keep another one, and forget it. For answers that come only once.

    :raises DestinationError: It cannot.
    """
    if recorder:
        probe = replace(record, name=f"{record.name} {secrets.token_hex(8)}", key="probe")
        save(recorder, probe)
        forget(recorder, probe)


class StateStoreRecorder:
    """Keeps records in Airflow's task state store (3.3 and later), which outlives a try, its worker and a clear."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def load(self, slot: str) -> Any:
        """Return what was saved."""
        found = self._store.get(slot)
        return dict(found) if isinstance(found, dict) else None

    def save(self, slot: str, document: dict[str, Any]) -> None:
        """Keep it."""
        self._store.set(slot, document)

    def delete(self, slot: str) -> None:
        """Forget it."""
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
        """Whether it is a folder of this machine; Airflow 2's ``ObjectStoragePath`` is a ``Path``, too."""
        return isinstance(self._folder, PosixPath | WindowsPath)

    def load(self, slot: str) -> Any:
        """Return what was saved; what is there and is no JSON, or may be of another user, is nothing.

        :raises DestinationError: It cannot be read now. To take it for none would be to overwrite it.
        """
        try:
            with self._explained("read from"):
                return json.loads(self._read(self._file(slot)))
        except (FileNotFoundError, ValueError, RecursionError):
            return None

    def save(self, slot: str, document: dict[str, Any]) -> None:
        """Keep it, and sweep what is dead."""
        self._keep(slot, document, first=False)

    def add(self, slot: str, document: dict[str, Any]) -> bool:
        """Keep it, unless there is one: return whether there was none."""
        return self._keep(slot, document, first=True)

    def delete(self, slot: str) -> None:
        """Forget it."""
        with contextlib.suppress(FileNotFoundError):
            self._file(slot).unlink()

    def sweep(self) -> None:
        """Delete the records of uploads whose objects are past their expiry, and what cannot be read or was left."""
        with contextlib.suppress(OSError):
            for file in list(self._folder.iterdir()):
                if file.name.startswith(PREFIX) and self._is_dead(file):
                    with contextlib.suppress(OSError):
                        file.unlink()

    def _is_dead(self, file: Any) -> bool:
        with contextlib.suppress(OSError, DestinationError):  # it may be another user's, who shares the folder
            if file.name.endswith(NEW):  # what a killed process was about to write
                return bool(file.stat().st_mtime < time.time() - leftovers.AGE)
            if file.name.endswith(".json"):
                return load(self, file.name.removesuffix(".json")) is None
        return False

    @contextlib.contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        """Turn what a file system raises into a sentence; that there is no such file is for the caller."""
        try:
            yield
        except FileNotFoundError:
            raise
        except OSError as error:
            reason = error.strerror or error
            raise DestinationError(
                f"The record of an upload cannot be {verb} {self._folder}: {reason}; name one that can be",
                transient=error.errno not in PERMANENT_ERRNOS,
            ) from error

    def _file(self, slot: str) -> Any:
        return self._folder / f"{slot}.json"

    def _read(self, file: Any) -> str:
        if not self._local:
            if is_storage_path(file):
                file.fs.invalidate_cache(file.path)  # another process may have written it since somebody looked
            return str(file.read_text())
        return read_local(self._folder, file.name)

    def _keep(self, slot: str, document: dict[str, Any], *, first: bool) -> bool:
        with self._explained("kept in"):
            write = write_local if self._local else self._write_elsewhere
            kept = write(self._file(slot), json.dumps(document), first=first)
        self.sweep()
        return kept

    def _write_elsewhere(self, file: Any, text: str, *, first: bool) -> bool:  # noqa: ARG002 (nobody can tell there)
        self._folder.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return True


def recorder_for(recorder: Recorder | Any | None) -> Recorder | None:
    """Return the recorder for what a caller gave: one, a folder, its path, or nothing.

    :raises InvalidInput: It is none of these.
    """
    if recorder is None or hasattr(recorder, "load"):
        return cast("Recorder | None", recorder)
    if isinstance(recorder, str) and "://" in recorder:
        raise InvalidInput(f"recorder is {recorder!r}: pass a path, or ObjectStoragePath({recorder!r})")
    if not recorder or not (isinstance(recorder, str) or hasattr(recorder, "iterdir")):
        raise InvalidInput(f"recorder is {recorder!r}: pass a folder or its path")
    if is_storage_path(recorder) and storage_file(recorder).immutable:  # type: ignore[arg-type]  # looked at just before
        raise InvalidInput(
            f"recorder is {str(recorder)!r}: records are replaced and deleted, which objects are not: pass a folder of "
            f"this machine, or of a bucket"
        )
    return DirectoryRecorder(recorder)


def _sound(record: UploadRecord) -> bool:
    """Tell whether what it holds is of use: it may have been damaged, or written by somebody else."""
    texts = (record.root_url, record.project_id, record.name, record.sha256, record.key or "")
    numbers = (record.expires, record.size, record.part_size or 0)
    typed = all(isinstance(text, str) for text in texts) and all(type(number) is int for number in numbers)
    return typed and record.key != "" and (record.part_size is None or record.part_size > 0)


def _dead(record: UploadRecord) -> bool:
    return record.expires <= datetime.now(UTC).timestamp() * 1000
