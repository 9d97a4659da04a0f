"""What is known of the files in a folder: the manifest of the last download, and the journal of one that did not end.

Each file is written down when it is whole and verified, so that a later run, after a kill too, fetches only what is
missing. What is written down counts for the same run of the same task alone, and for content that is still the same.
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

    from airflow_provider_taskcluster.transfer.payload.destination import Place
    from airflow_provider_taskcluster.transfer.payload.model import PayloadResult, Payloads

VERSION = 1
JOURNAL = f"{OWN_PREFIX}payload.jsonl"


class Ledger:
    """The book of one payload in one folder."""

    def __init__(self, place: Place, payload: Payloads) -> None:
        self._place = place
        self._head = {"version": VERSION, "task_id": payload.task_id, "run_id": payload.run_id}
        self._head["prefix"] = payload.prefix
        self._known: dict[str, Stored] = {}
        self._links: dict[str, str] = {}
        if payload.run_id is not None:  # else nobody can tell whether it is the same run
            self._recall()

    def known(self, name: str) -> Stored | None:
        """Return what is written down of a file, if it is true of the content that is there.

        :raises NameRefused: Something else than a file is there.
        """
        stored = self._known.get(name)
        content = self._place.look(name) if stored else None
        if stored is None or content is None or stored.size != content.size:
            return None
        same = bool(content.tag) and content.tag == stored.tag
        if same or content.digests(["sha256"])["sha256"] == stored.digests["sha256"]:
            return replace(stored, path=self._place.path_of(name), tag=content.tag)
        return None

    def target(self, link: str) -> str | None:
        """Return the name of the file that has the content of a link, if that is written down."""
        return self._links.get(link)

    def note(self, stored: Stored) -> None:
        """Write down that a file is whole and verified."""
        line = json.dumps({**self._head, "file": stored.as_dict()}).encode()
        self._place.append(JOURNAL, line)

    def close(self, result: PayloadResult) -> None:
        """Write the manifest, which takes the place of the journal."""
        links = [
            {"name": name, "same_as": target, "path": self._place.path_of(target)}
            for name, target in result.links.items()
        ]
        manifest = {
            **self._head,
            "files": [file.as_dict() for file in result.files],
            "links": links,
            "failed": [{"name": name, "error": reason} for name, reason in result.failed.items()],
        }
        self._place.write(MANIFEST, json.dumps(manifest, indent=1).encode())
        self._place.remove(JOURNAL)

    def _recall(self) -> None:
        manifest = _json(self._place.read(MANIFEST))
        if self._ours(manifest):
            files = manifest.get("files")
            self._known = {stored.name: stored for stored in _files(files)}
            self._links = dict(_links(manifest.get("links")))
        for line in (self._place.read(JOURNAL) or b"").splitlines():
            entry = _json(line)
            if self._ours(entry):
                self._known |= {stored.name: stored for stored in _files([entry.get("file")])}

    def _ours(self, entry: Mapping[str, Any]) -> bool:
        return all(entry.get(key) == value for key, value in self._head.items())


def _json(text: bytes | None) -> dict[str, Any]:
    """Read an object; {} if it is none, is torn, or somebody else's."""
    try:
        found = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


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
