"""Which files of a payload patterns mean. Pure.

``*`` and ``?`` stand for characters within one folder, ``**`` for any folders, ``[...]`` for one of some characters. A
pattern without ``/`` is looked for in all folders (``*.log``); one that ends with ``/`` means all below. A pattern
without any of these characters is a name.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import NotFound
from airflow_provider_taskcluster.transfer.payload.matching import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WILD = frozenset("*?[")


def select(names: Sequence[str], include: Iterable[str] = (), exclude: Iterable[str] = ()) -> list[str]:
    """Return the names that a pattern of ``include`` means (all, if there is none) and none of ``exclude`` does.

    They come in the order of the patterns, and for each pattern in that of ``names``. A name is resolved the careful
    way (see ``resolve``).

    :raises AmbiguousName: A name is.
    :raises NotFound: A name is not there, though others are. Where nothing is selected, that is for the caller.
    """
    include, exclude = list(include), list(exclude)
    found: dict[str, None] = {}
    missing: NotFound | None = None
    for pattern in include or ["**"]:
        try:
            found.update(dict.fromkeys(_meant(pattern, names)))
        except NotFound as error:
            missing = missing or error
    selected = [name for name in found if not any(fits(name, pattern) for pattern in exclude)]
    if missing and selected:
        raise missing
    return selected


def _meant(pattern: str, names: Sequence[str]) -> list[str]:
    if pattern in names:  # a name may have the characters of a pattern in it
        return [pattern]
    if _WILD & set(pattern) or pattern.endswith("/"):
        return [name for name in names if fits(name, pattern)]
    return [resolve(pattern, names)]


def fits(name: str, pattern: str) -> bool:
    """Tell whether a name is meant by a pattern, upper and lower case told apart."""
    pattern = pattern.lstrip("/")
    if name == pattern:
        return True
    if "/" not in pattern:
        pattern = f"**/{pattern}"
    steps = (pattern + "**" if pattern.endswith("/") else pattern).split("/")
    at = _and_beyond({0}, steps)
    for part in name.split("/"):
        ahead = {i + 1 for i in at if i < len(steps) and steps[i] != "**" and fnmatchcase(part, steps[i])}
        at = _and_beyond(ahead | {i for i in at if i < len(steps) and steps[i] == "**"}, steps)
    return len(steps) in at


def _and_beyond(at: set[int], steps: list[str]) -> set[int]:
    """Add the places that are reached without a further part of the name: ``**`` may stand for no folder at all."""
    reached = set(at)
    for i in sorted(at):
        j = i
        while j < len(steps) and steps[j] == "**":
            j += 1
            reached.add(j)
    return reached
