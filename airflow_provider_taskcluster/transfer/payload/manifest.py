"""The manifest of the last download into a folder, and the journal of an unfinished one.

Each file is added to the journal once it is whole and verified, so that a later run, even after a kill, fetches only
the missing files. Entries count only for the same run of the same task, and for unchanged content.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.transfer.config import OWN_PREFIX
from airflow_provider_taskcluster.transfer.payload.file_names import MANIFEST
from airflow_provider_taskcluster.transfer.payload.model import Stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from airflow_provider_taskcluster.transfer.payload.destination import PayloadDestination
    from airflow_provider_taskcluster.transfer.payload.model import PayloadKey, PayloadResult

VERSION = 1
JOURNAL = f"{OWN_PREFIX}payload.jsonl"


class PayloadManifest:
    """The manifest and journal of one payload in one folder."""

    def __init__(self, destination: PayloadDestination, payload: PayloadKey) -> None:
        self._destination = destination
        self._header = {"version": VERSION, "task_id": payload.task_id, "run_id": payload.run_id}
        self._header["prefix"] = payload.prefix
        self._known: dict[str, Stored] = {}
        self._links: dict[str, str] = {}
        if payload.run_id is not None:  # else it may be another run
            self._load()

    def verified_file(self, name: str) -> Stored | None:
        """Return the recorded file of this name if the existing content still matches, else None.

        :raises NameRefused: Something of this name is no file.
        """
        stored = self._known.get(name)
        content = self._destination.existing(name) if stored else None
        if stored is None or content is None or stored.size != content.size:
            return None
        same = bool(content.tag) and content.tag == stored.tag
        if same or content.digests(["sha256"])["sha256"] == stored.digests["sha256"]:
            return replace(stored, path=self._destination.path_of(name), tag=content.tag)
        return None

    def link_target(self, link: str) -> str | None:
        """Return the recorded name of the file that has a link's content, None if there is none."""
        return self._links.get(link)

    def add(self, stored: Stored) -> None:
        """Add a whole, verified file to the journal."""
        line = json.dumps({**self._header, "file": stored.as_dict()}).encode()
        self._destination.append(JOURNAL, line)

    def close(self, result: PayloadResult) -> None:
        """Write the manifest, and remove the journal."""
        links = [
            {"name": name, "same_as": target, "path": self._destination.path_of(target)}
            for name, target in result.links.items()
        ]
        manifest = {
            **self._header,
            "files": [file.as_dict() for file in result.files],
            "links": links,
            "failed": [{"name": name, "error": reason} for name, reason in result.failed.items()],
        }
        self._destination.write(MANIFEST, json.dumps(manifest, indent=1).encode())
        self._destination.remove(JOURNAL)

    def _load(self) -> None:
        manifest = _json(self._destination.read(MANIFEST))
        if self._matches(manifest):
            files = manifest.get("files")
            self._known = {stored.name: stored for stored in _files(files)}
            self._links = dict(_links(manifest.get("links")))
        for line in (self._destination.read(JOURNAL) or b"").splitlines():
            entry = _json(line)
            if self._matches(entry):
                self._known |= {stored.name: stored for stored in _files([entry.get("file")])}

    def _matches(self, entry: Mapping[str, Any]) -> bool:
        return all(entry.get(key) == value for key, value in self._header.items())


def _json(text: bytes | None) -> dict[str, Any]:
    """Parse a JSON object; {} if it is missing, torn or no object."""
    try:
        document = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _files(entries: Any) -> Iterator[Stored]:
    for entry in entries if isinstance(entries, list) else []:
        try:
            stored = Stored(**entry)
        except TypeError:
            continue
        named = isinstance(stored.name, str) and isinstance(stored.digests, dict)
        if named and isinstance(stored.digests.get("sha256"), str):
            yield stored


def _links(entries: Any) -> Iterator[tuple[str, str]]:
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and {"name", "same_as"} <= entry.keys():
            yield str(entry["name"]), str(entry["same_as"])
