"""Invariants of a transfer, after every try and after a success. Each function yields the violations."""

from __future__ import annotations

import hashlib
import os
import re
import time
from typing import TYPE_CHECKING

from .contents import older
from .plan import ON_THE_WAY
from .transfers.base import below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from .client import Outcome
    from .emulator_state import EmulatorState
    from .transfers.base import Transfer
    from .workspace import Workspace

# Secrets as they appear in URLs, headers and responses.
SECRETS = re.compile(r"X-Signature=[0-9a-f]{8}|bewit=\w|\bmac=\"|\"(accessToken|certificate)\"")
# Allowance for small bodies, and for bytes that are fetched again to verify that they have not changed.
SLACK = 128 * 1024
DAY = 24 * 60 * 60
# The manifest that a download of a payload writes beside its files.
MANIFEST = "taskcluster-payload.json"


def right_files(transfer: Transfer) -> Iterator[str]:
    """Files with a final name have the right content, or the older one."""
    expected, before = transfer.expected_files(), older(transfer.plan)
    for name, path in below(transfer.workspace.destination).items():
        if not _is_own(name) and (content := path.read_bytes()) not in (expected.get(name), before.get(name)):
            yield f"the file {name} has {_differs(content, expected.get(name))}"


def right_objects(transfer: Transfer, state: EmulatorState) -> Iterator[str]:
    """Objects and artifacts with a final name have the right content, and there are no others."""
    expected = transfer.expected_objects()
    for name, content in transfer.stored(state).items():
        if content != expected[name]:
            yield f"{name} in Taskcluster has {_differs(content, expected[name])}"
    if unexpected := transfer.unexpected(state):
        yield f"there is more in Taskcluster than was uploaded: {sorted(unexpected)}"


def complete(transfer: Transfer, state: EmulatorState, when: str) -> Iterator[str]:
    """After a success, all files, objects and artifacts exist with the right content."""
    files, stored = below(transfer.workspace.destination), transfer.stored(state)
    for name, content in transfer.expected_files().items():
        if name not in files or files[name].read_bytes() != content:
            yield f"the file {name} is not there {when}"
    for name in transfer.expected_objects():
        if name not in stored:
            yield f"{name} is not in Taskcluster {when}"


def right_outcome(transfer: Transfer, outcome: Outcome) -> Iterator[str]:
    """Content that was read is right, and errors are the provider's own."""
    if not outcome.ours:
        yield f"an error that is not ours: {outcome.error}"
    for name, sha256 in outcome.read.items():
        if sha256 != hashlib.sha256(transfer.files[name]).hexdigest():
            yield f"reading {name} gave other bytes"


def resumed(transfer: Transfer, kept: int, moved: int) -> Iterator[str]:
    """A try without trouble moves only the missing bytes, unless an earlier fault makes it begin anew."""
    plan = transfer.plan
    missing = plan.size + min(plan.size, ON_THE_WAY) if plan.begins_anew else max(0, plan.size - kept)
    if plan.kind.name != "read_file" and moved > missing + SLACK:
        yield f"a try without faults moved {moved} bytes, and {missing} of {plan.size} were missing"


def bounded(transfer: Transfer, moved: int, incidents: int) -> Iterator[str]:
    """All tries together move no more bytes than the incidents can have cost."""
    plan = transfer.plan
    most = plan.size + incidents * (plan.loss + SLACK) + SLACK
    if plan.kind.name != "read_file" and moved > most:
        yield f"{moved} bytes were moved for {plan.size}, more than {most} after {incidents} incidents"


def strays(transfer: Transfer) -> set[str]:
    """Return the files on the disk that are neither expected nor the manifest of a payload."""
    workspace = transfer.workspace
    wanted = {f"{workspace.destination.name}/{name}" for name in (*transfer.expected_files(), MANIFEST)}
    return {name for name in below(workspace.disk) if name not in wanted and not name.startswith("lost+found")}


def make_older(folder: Path) -> None:
    """Set the times of all files and folders back, so that a cleanup treats them as old."""
    long_ago = time.time() - 2 * DAY
    for path in folder.rglob("*"):
        os.utime(path, (long_ago, long_ago), follow_symlinks=False)


def no_secrets(workspace: Workspace, upload_ids: Iterable[str]) -> Iterator[str]:
    """The output has no secrets."""
    text = workspace.output.read_text(errors="replace") if workspace.output.exists() else ""
    if match := SECRETS.search(text):
        yield f"a secret was printed: {match[0]}"
    if workspace.access_token in text or any(upload_id in text for upload_id in upload_ids):
        yield "the access token or an upload id was printed"


def _is_own(name: str) -> bool:
    """Whether a file is one of the provider's own beside the files it writes."""
    parts = name.split("/")
    return name == MANIFEST or any(part.startswith(".taskcluster-") for part in parts)


def _differs(content: bytes | None, expected: bytes | None) -> str:
    if content is None:
        return "no bytes"
    if expected is None:
        return f"{len(content)} bytes, and should not be there"
    same = next(
        (i for i, (a, b) in enumerate(zip(content, expected, strict=False)) if a != b), min(len(content), len(expected))
    )
    return f"wrong bytes: {len(content)} in place of {len(expected)}, and other ones from {same} on"
