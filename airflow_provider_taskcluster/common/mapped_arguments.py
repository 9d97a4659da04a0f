"""Checks the arguments of mapped tasks when the DAG is parsed, as far as ``partial`` and ``expand`` know them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator


class CheckedPartial:
    """Wrapper of Airflow's ``OperatorPartial`` that checks each task when it is expanded.

    :param partial: Airflow's ``OperatorPartial``.
    :param check: Checks the arguments of one task, except values that are known only when the DAG runs.
    :param names: Names of the arguments that it checks.
    """

    def __init__(self, partial: Any, check: Callable[[Mapping[str, Any]], None], names: Collection[str]) -> None:
        self._partial = partial
        self._check = check
        self._names = names

    def __getattr__(self, name: str) -> Any:
        """Return any other attribute of Airflow's ``OperatorPartial``."""
        return getattr(self._partial, name)

    def expand(self, **mapped: Any) -> Any:
        """Map over lists and dicts, as Airflow does: each task gets one of the combinations."""
        operator = self._partial.expand(**mapped)
        for given in combinations({name: mapped[name] for name in self._names if name in mapped}):
            self._check({**self._common_arguments(operator), **given})
        return operator

    def expand_kwargs(self, kwargs: Any, **options: Any) -> Any:
        """Map over dicts of arguments, as Airflow does."""
        operator = self._partial.expand_kwargs(kwargs, **options)
        for given in kwargs if isinstance(kwargs, Sequence) else ():
            if isinstance(given, Mapping):
                self._check({**self._common_arguments(operator), **given})
        return operator

    def _common_arguments(self, operator: Any) -> dict[str, Any]:
        """Return the arguments that all tasks share, with the default arguments that Airflow fills in later."""
        defaults = [getattr(owner, "default_args", None) or {} for owner in (operator.dag, operator.task_group)]
        return {name: value for known in (*defaults, self._partial.kwargs) for name, value in known.items()}


def combinations(mapped: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the mapped arguments of each task; the output of another task stands for each of its items."""
    columns = [_items(values) for values in mapped.values()]
    return (dict(zip(mapped, row, strict=True)) for row in product(*columns))


def _items(values: Any) -> Sequence[Any]:
    if isinstance(values, Mapping):
        return list(values.items())
    return values if isinstance(values, Sequence) else [values]
