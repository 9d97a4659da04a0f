"""Checks of a Python function that is sent to a worker as text, which has nothing of the DAG file around it."""

from __future__ import annotations
import __future__

import builtins
import dis
import inspect
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

_LOADS = {"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"}
_STORES = {"STORE_GLOBAL", "STORE_NAME"}


def check_function(function: Any, argument: str = "python_callable") -> None:
    """Check that a function can be sent.

    :raises InvalidInput: It is none that ``def`` defines, or it is a coroutine or generator.
    """
    name = getattr(function, "__name__", type(function).__name__)
    if not isinstance(function, FunctionType) or name == "<lambda>":
        raise InvalidInput(f"{argument} is {name}, and only a function that def defines can be sent: define one")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise InvalidInput(f"{name} is an async function: define it with def, and call asyncio.run inside it")
    if inspect.isgeneratorfunction(function):
        raise InvalidInput(f"{name} is a generator: return a list in place of yield")


def read_source(name: str, read: Callable[[], str]) -> str:
    """Return the source of a function, checked.

    :param read: Airflow's method that returns it without its decorators.
    :raises InvalidInput: It cannot be read, is no Python by itself, or uses names of the DAG file.
    """
    try:
        source = read()
        code = compile(source, name, "exec", flags=__future__.annotations.compiler_flag, dont_inherit=True)
    except Exception as error:  # noqa: BLE001 (also of the parser that Airflow uses)
        raise InvalidInput(
            f"The source of {name} cannot be read by itself ({type(error).__name__}: {one_line(error)}): define it "
            f"with def in a file, with all of its lines indented"
        ) from None
    if missing := _missing_names(code):
        raise InvalidInput(
            f"{name} uses {', '.join(missing)} of the DAG file, and only the function itself is sent: import or define "
            f"it inside the function, or pass it as an argument"
        )
    return source


def check_arguments_fit(function: Callable[..., Any], arguments: Collection[Any], options: Mapping[str, Any]) -> None:
    """Check that a function can be called with its arguments alone.

    :raises InvalidInput: One is missing, such as a variable of Airflow's context.
    """
    try:
        inspect.signature(function).bind(*arguments, **options)
    except TypeError as error:
        raise InvalidInput(
            f"{function.__name__} cannot be called on a worker: {error}; variables of Airflow's context are not sent: "
            f"pass what is needed as an argument, such as '{{{{ run_id }}}}'"
        ) from None


def _missing_names(code: CodeType) -> list[str]:
    """Return the names that code uses, but neither defines nor finds in Python itself."""
    used, stored = set(), set()
    for part in _codes(code):
        for step in dis.get_instructions(part):
            if step.opname in _LOADS:
                used.add(step.argval)
            elif step.opname in _STORES:
                stored.add(step.argval)
    return sorted(name for name in used - stored if not hasattr(builtins, name) and not name.startswith("__"))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)
