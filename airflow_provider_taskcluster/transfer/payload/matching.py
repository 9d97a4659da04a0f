"""Which file of a payload a name means, the careful way. Pure."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.exceptions import AmbiguousName, InvalidName, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable

# How many names an error lists.
LISTED = 10
NEAREST = 3


def resolve(wanted: str, names: Iterable[str]) -> str:
    """Return the stored name that is meant.

    Names are relative to the root of the payload; a leading ``/`` is ignored. The one that fits but for upper and
    lower case is taken; of several, the one that fits exactly.

    :param names: All names of the payload.
    :raises AmbiguousName: Several fit, and none exactly; lists them.
    :raises NotFound: None fits; names the nearest.
    :raises InvalidName: It is empty, or no text.
    """
    if not isinstance(wanted, str) or not wanted.strip("/"):
        raise InvalidName(f"A name in a payload must be a string that is not empty, not {wanted!r}")
    names = list(names)
    fitting = [name for name in names if _folded(name) == _folded(wanted)]
    exact = [name for name in fitting if name.lstrip("/") == wanted.lstrip("/")]
    if len(exact) == 1 or len(fitting) == 1:
        return (exact or fitting)[0]
    if fitting:
        raise AmbiguousName(
            f"{wanted!r} can be any of {_listed(fitting)}: write the one you mean exactly as it is stored",
            candidates=fitting,
        )
    raise NotFound(f"There is no {wanted!r} in the payload{_nearest(wanted, names)}")


def _folded(name: str) -> str:
    return name.lstrip("/").casefold()


def _nearest(wanted: str, names: list[str]) -> str:
    """Say what it has that is alike, by the whole name or by its last part."""
    by_folded = {_folded(name): name for name in names}
    near = difflib.get_close_matches(_folded(wanted), by_folded, NEAREST)
    last = _folded(wanted).rpartition("/")[2]
    near += [name for name in by_folded if name not in near and name.rpartition("/")[2] == last][: NEAREST - len(near)]
    if not near:
        return f", which has {len(names)} files" if names else ", which is empty"
    return f"; the nearest: {_listed([by_folded[name] for name in near])}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return ", ".join(repr(name) for name in names[:LISTED]) + more
