"""Tracebacks of the package's errors: short ones in a task's log, whole ones at level DEBUG."""

from __future__ import annotations

import functools
import inspect
import logging
import traceback
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import TaskclusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable

E = TypeVar("E", bound=TaskclusterError)
C = TypeVar("C", bound=type)

log = logging.getLogger(__name__)


def without_traceback(error: E) -> E:
    """Return an error without its traceback and cause, to be raised ``from None``. They are logged at level DEBUG.

    The message says what happened; frames of retry loops, event loops and clients would only hide it.
    """
    if log.isEnabledFor(logging.DEBUG):
        for line in _lines(error):
            log.debug("%s", one_line(line))
    error.__cause__ = None
    return error.with_traceback(None)


def short_tracebacks(kind: C) -> C:
    """Class decorator: public methods, and the generators they return, raise the package's errors without traceback."""
    ours = __name__.partition(".")[0]
    for name, method in inspect.getmembers(kind, inspect.isfunction):
        if not name.startswith("_") and method.__module__.partition(".")[0] == ours:
            setattr(kind, name, _short(method))
    return kind


def _short(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            given = method(*arguments, **options)
        except TaskclusterError as error:
            raise without_traceback(error) from None
        return _short_items(given) if inspect.isgenerator(given) else given

    return call


def _short_items(items: Iterable[Any]) -> Generator[Any, None, None]:
    try:
        yield from items
    except TaskclusterError as error:
        raise without_traceback(error) from None


def _lines(error: BaseException) -> list[str]:
    return "".join(traceback.format_exception(error)).splitlines()
