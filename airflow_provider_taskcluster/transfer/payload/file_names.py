"""Checks whether artifact names, which tasks choose, can be names of files below one folder. Pure.

Nothing is renamed: an unfit name is refused, with the reason. Names that mean something else on another system (drives,
devices) are refused everywhere; names that differ only in case, where the destination ignores case.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.names import artifact_name
from airflow_provider_taskcluster.exceptions import InvalidName
from airflow_provider_taskcluster.transfer.config import OWN_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable

MANIFEST = "taskcluster-payload.json"
# Bytes of a file name, on nearly every file system.
LONGEST_PART = 255
_DRIVE = re.compile(r"[A-Za-z]:")
# https://learn.microsoft.com/windows/win32/fileio/naming-a-file
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9])[ .]*(\.|:|$)", re.IGNORECASE)


def refused_names(names: Iterable[str], *, case_sensitive: bool) -> dict[str, str]:
    """Return the names that cannot be files of one folder, each with the reason.

    :param case_sensitive: Whether names that differ only in case are different files at the destination.
    """
    names = list(names)
    alone = {name: reason for name in names if (reason := reason_against(name))}
    good = {name: name if case_sensitive else name.casefold() for name in names if name not in alone}
    same = Counter(good.values())
    # In this order, a name comes right before the names that have it as a folder.
    ordered = sorted(key.replace("/", "\0") for key in same)
    folders = {above.replace("\0", "/") for above, name in pairwise(ordered) if name.startswith(above + "\0")}
    together = {
        name: "it differs from another in upper and lower case alone, and the destination does not tell them apart"
        if same[key] > 1
        else "it is also a folder of other artifacts"
        for name, key in good.items()
        if same[key] > 1 or key in folders
    }
    return alone | together


def reason_against(name: str) -> str:
    """Return the reason why a name alone cannot be that of a file below a folder; "" if it can."""
    if name.startswith("/"):
        return "it is an absolute path"
    try:
        artifact_name(name)
    except InvalidName as error:
        return str(error)
    if "\\" in name:
        return "it has a backslash, which separates folders on some systems"
    if name.casefold() == MANIFEST:
        return "the manifest of the payload has this name"
    return next(filter(None, map(_reason_against_part, name.split("/"))), "")


def _reason_against_part(part: str) -> str:
    reasons = {
        "it has an empty folder name": not part,
        "it begins with the letter of a drive": _DRIVE.match(part),
        f"{part!r} is the name of a device on some systems": _DEVICE.match(part),
        f"{part!r} ends with a dot or a space, which some systems drop": part[-1:] in {".", " "},
        f"names that begin with {OWN_PREFIX} are those of partial files": part.casefold().startswith(OWN_PREFIX),
        f"{part[:40]!r}... is longer than the {LONGEST_PART} bytes of a file name": len(part) > LONGEST_PART,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")
