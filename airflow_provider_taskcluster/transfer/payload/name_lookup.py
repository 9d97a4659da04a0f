"""Resolves a name to the stored name of a file in a payload. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import AmbiguousName, InvalidName, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

# How many names an error lists.
NAMES_LISTED = 10
NEAREST = 3


def resolve(wanted: str, names: Iterable[str]) -> str:
    """Return the stored name that matches a wanted name.

    Names are relative to the root of the payload; a leading ``/`` is ignored. A single case-insensitive match is taken;
    of several, the exact one.

    :param names: All names of the payload.
    :raises AmbiguousName: Several names match, none of them exactly; the error lists them.
    :raises NotFound: No name matches; the error lists the nearest.
    :raises InvalidName: The wanted name is empty, or no string.
    """
    if not isinstance(wanted, str) or not wanted.strip("/"):
        raise InvalidName(f"A name in a payload must be a string that is not empty, not {wanted!r}")
    names = list(names)
    matching = [name for name in names if _folded(name) == _folded(wanted)]
    exact = [name for name in matching if name.lstrip("/") == wanted.lstrip("/")]
    if len(exact) == 1 or len(matching) == 1:
        return (exact or matching)[0]
    if matching:
        raise AmbiguousName(
            f"{wanted!r} can be any of {_listed(matching)}: write the one you mean exactly as it is stored",
            candidates=matching,
        )
    raise NotFound(f"There is no {wanted!r} in the payload{_nearest(wanted, names)}")


def _folded(name: str) -> str:
    return name.lstrip("/").casefold()


def _nearest(wanted: str, names: list[str]) -> str:
    """Return the end of the error message: similar names, by the whole name or by its last part."""
    by_folded = {_folded(name): name for name in names}
    near = difflib.get_close_matches(_folded(wanted), by_folded, NEAREST)
    last = _folded(wanted).rpartition("/")[2]
    near += [name for name in by_folded if name not in near and name.rpartition("/")[2] == last][: NEAREST - len(near)]
    if not near:
        return f", which has {len(names)} files" if names else ", which is empty"
    return f"; the nearest: {_listed([by_folded[name] for name in near])}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return ", ".join(repr(name) for name in names[:NAMES_LISTED]) + more
