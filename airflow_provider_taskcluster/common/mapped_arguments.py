"""Arguments of mapped tasks: what ``partial`` and ``expand`` tell of each task is checked with the DAG file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator


class CheckedPartial:
    """What ``partial`` of an operator returns: Airflow's own, and a check of each task when it is expanded.

    :param partial: Airflow's.
    :param check: Checks the arguments of one task, and leaves alone what is known only when the DAG runs.
    :param names: Those that it checks.
    """

    def __init__(self, partial: Any, check: Callable[[Mapping[str, Any]], None], names: Collection[str]) -> None:
        self._partial = partial
        self._check = check
        self._names = names

    def __getattr__(self, name: str) -> Any:
        """Return what Airflow's has besides."""
        return getattr(self._partial, name)

    def expand(self, **mapped: Any) -> Any:
        """Map over lists and dicts, as Airflow does: each task gets one of the combinations."""
        operator = self._partial.expand(**mapped)
        for given in combinations({name: mapped[name] for name in self._names if name in mapped}):
            self._check({**self._known(operator), **given})
        return operator

    def expand_kwargs(self, kwargs: Any, **options: Any) -> Any:
        """Map over dicts of arguments, as Airflow does."""
        operator = self._partial.expand_kwargs(kwargs, **options)
        for given in kwargs if isinstance(kwargs, Sequence) else ():
            if isinstance(given, Mapping):
                self._check({**self._known(operator), **given})
        return operator

    def _known(self, operator: Any) -> dict[str, Any]:
        """Return what all tasks get; Airflow fills in the default arguments when they run."""
        defaults = [getattr(where, "default_args", None) or {} for where in (operator.dag, operator.task_group)]
        return {name: value for known in (*defaults, self._partial.kwargs) for name, value in known.items()}


def combinations(mapped: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Give out what each task gets of what is mapped; the output of another task stands for each of its items."""
    columns = [_items(values) for values in mapped.values()]
    return (dict(zip(mapped, row, strict=True)) for row in product(*columns))


def _items(values: Any) -> Sequence[Any]:
    if isinstance(values, Mapping):
        return list(values.items())
    return values if isinstance(values, Sequence) else [values]
