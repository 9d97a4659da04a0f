"""Suggestions for an artifact that a task does not have: some names that it has, and the nearest one. Pure."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

# Names that are listed, and those that are compared: comparing takes time.
MOST_LISTED, MOST_COMPARED = 5, 1000
LONGEST_NAME = 120
# Similarity, from 0 to 1, above which two names are near.
SIMILAR = 0.55


def suggestion(missing: Sequence[str], present: Sequence[str]) -> str:
    """Return ``it has 'a', 'b' and 2 more: did you mean a?``.

    :param missing: Names of missing artifacts; patterns have no nearest name.
    :param present: Names of the artifacts that the task has.
    """
    if not present:
        return "it has no artifacts"
    shown = ", ".join(f"'{one_line(name, LONGEST_NAME)}'" for name in sorted(present)[:MOST_LISTED])
    more = f" and {len(present) - MOST_LISTED} more" if len(present) > MOST_LISTED else ""
    nearest = next(filter(None, (_nearest(name, present) for name in missing[:MOST_LISTED])), None)
    question = "" if nearest is None else f": did you mean {one_line(nearest, LONGEST_NAME)}?"
    return f"it has {shown}{more}{question}"


def _nearest(name: str, present: Sequence[str]) -> str | None:
    """Return a name with the same last segment, or else the most similar one; None if none is near."""
    compared = {other[: LONGEST_NAME * 2].lower(): other for other in present[:MOST_COMPARED]}
    wanted = name[: LONGEST_NAME * 2].lower()
    ending = f"/{wanted.rpartition('/')[2]}"
    same_end = [other for other in compared if f"/{other}".endswith(ending)]
    matches = get_close_matches(wanted, same_end or compared, n=1, cutoff=0.0 if same_end else SIMILAR)
    return compared[matches[0]] if matches else None
