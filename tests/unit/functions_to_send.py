"""Functions that can be sent to a worker, and some that cannot."""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from airflow.providers.common.compat.sdk import task

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 3
t = task


def logged(function):
    @functools.wraps(function)
    def call(*arguments):
        return function(*arguments)

    return call


def plain(path: Path, *rest: Path, limit: int = 3) -> Path:
    """Use names of many kinds, all of them its own."""
    import os.path
    from math import floor as down

    class Own:
        size: int = 1

        def double(self):
            return self.size * 2 + down(limit)

    global counter  # noqa: PLW0603
    counter = 0
    squares = [number * number for number in range(limit)]
    nested = lambda value: value + len(squares)  # noqa: E731
    try:
        joined = os.path.commonpath([str(path), *map(str, rest)])
    except ValueError as error:
        joined = str(error)
    with open(joined) as file:  # noqa: PTH123
        return plain(file, limit=nested(counter)) if __name__ == "never" else Own


def unicode() -> str:
    return (
        "ř"
        """
text {{ with }} {% templates %}
"""
    )


def global_name():
    return LIMIT


def imported_at_the_top(value):
    return json.dumps(value)


def used_deep_inside():
    def inner():
        return [one + LIMIT for one in (1, 2)]

    return inner()


def default_value(limit=LIMIT):
    return limit


@logged
def decorated():
    return 1


@task.taskcluster(
    task_queue_id="a/b",
    tags={"a": "b", "c": "(d)"},
)
@logged
def decorated_between():
    return 1


@task.taskcluster(
    task_queue_id="a/b",
    tags={"a": "b", "c": "(d)"},
)
def decorated_over_lines(value: int) -> int:
    return value


@t.taskcluster(task_queue_id="a/b")
def other_name_of_task():
    return 1


async def coroutine():
    return 1


def generator():
    yield 1


async def async_generator():
    yield 1


def make_closure():
    around = 1

    def closure():
        return around

    return closure


def make_text_at_the_margin():
    def at_the_margin():
        return """
text"""

    return at_the_margin


class Callable:
    """An object that can be called."""

    def __call__(self):
        return 1
