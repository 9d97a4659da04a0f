"""Checks the arguments of operators and sensors: when the DAG is parsed, and what holds a template when it is rendered.

What is wrong in a DAG file is an import error then, in Airflow's UI, and no task fails because of it at night.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_taskcluster.common import values
from airflow_provider_taskcluster.common.arguments import choice
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.mapped_arguments import CheckedPartial
from airflow_provider_taskcluster.exceptions import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

# Reads an argument, given its name for the error, and raises InvalidInput where it cannot be.
ArgumentReader = Callable[[Any, str], object]

HINT = "did a template render to nothing?"
_MARKS = ("{{", "{%", "{#")


def seconds(value: Any, what: str) -> float | None:
    """Return a number of seconds; None stands for the connection's.

    :raises InvalidInput: It is no number above 0.
    """
    return None if value is None else _read(values.positive_number, value, what)


def count(value: Any, what: str) -> int | None:
    """Return a whole number from 0; None stands for the connection's.

    :raises InvalidInput: It is none.
    """
    return None if value is None else _read(values.whole_number, value, what)


def one_of(choices: Any) -> ArgumentReader:
    """Return the reader of one of a few words.

    :param choices: The words, or a ``Literal`` of them.
    """
    allowed = get_args(choices) or choices
    return lambda value, what: choice(value, what, allowed)


def at_least(least: int) -> ArgumentReader:
    """Return the reader of a whole number from ``least`` on."""
    return lambda value, what: whole_number(value, what, least=least)


class CheckedArguments:
    """An operator whose arguments are checked as early as they can be.

    A constructor ends with ``check_arguments``, the work begins with ``check_rendered``. What is known only when
    Airflow has rendered it is checked then: XComs, texts with templates, and what ``expand`` fills in.
    """

    checks: ClassVar[Mapping[str, ArgumentReader]] = {
        "connect_timeout": seconds,
        "read_timeout": seconds,
        "max_retries": count,
    }
    """What reads each argument that has few legal values; a class adds its own to those of its bases."""

    depends: ClassVar[tuple[str, ...]] = ()
    """Arguments that are checked together, when all of them are known; None where they are left out."""

    needed: ClassVar[frozenset[str]] = frozenset()
    """Arguments that may be left out, but whose template may not render to nothing."""

    template_fields: Collection[str]
    task_id: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._templates: frozenset[str] = frozenset()  # names of the arguments that Airflow renders

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Map as Airflow does; what does not wait for ``expand`` is checked now, and what fits together then."""
        check_given(cls, kwargs)
        partial = super().partial(**kwargs)  # type: ignore[misc]  # Airflow's
        return CheckedPartial(partial, cls._check_mapped, cls.depends)

    @classmethod
    def _check_mapped(cls, given: Mapping[str, Any]) -> None:
        together = {name: given.get(name) for name in cls.depends}
        named = not given.keys().isdisjoint(cls.depends)  # a task without any of them says so itself
        if named and not any(map(needs_rendering, together.values())):
            cls.check_together(given["task_id"], **together)

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:
        """Check the arguments that depend on each other.

        :param given: Those of ``depends``, in that order.
        :raises InvalidInput: They do not fit together.
        """

    def check_arguments(self) -> None:
        """Check what is known when the DAG is parsed.

        :raises InvalidInput: An argument cannot be.
        """
        self._templates = frozenset(name for name in self.template_fields if needs_rendering(getattr(self, name, None)))
        if getattr(self, "_BaseOperator__from_mapped", False):
            return  # in the task itself, where errors end as those of all other work
        check_given(type(self), {name: getattr(self, name) for name in checks_of(type(self))})
        if self._templates.isdisjoint(self.depends):
            self._check_together()

    def check_rendered(self) -> None:
        """Check everything, before the work begins.

        :raises InvalidInput: An argument cannot be; says so if a template rendered to nothing.
        """
        self.clear_omitted()
        for name in self._templates:
            value = getattr(self, name)
            if name in self._needed and _is_nothing(value):
                raise InvalidInput(f"{name} is {value!r}: {HINT}")
            if name != "data" and any(map(_is_nothing, _inside(value))):
                raise InvalidInput(f"{name} holds an empty value, {value!r}: {HINT}")
        for name, reader in checks_of(type(self)).items():
            with_hint(reader, getattr(self, name), name, [name] if self._rendered_to_nothing(name) else [])
        empty = [name for name in self.depends if self._rendered_to_nothing(name)]
        with_hint(lambda *_: self._check_together(), None, "", empty)

    def _check_together(self) -> None:
        self.check_together(self.task_id, **{name: getattr(self, name) for name in self.depends})

    def clear_omitted(self) -> None:
        """Leave out what a template left out: Jinja writes None as text."""
        for name in self._templates - self._needed - {"data"}:
            value = getattr(self, name)
            if isinstance(value, str) and value.strip() == "None":
                setattr(self, name, None)

    @property
    def _needed(self) -> frozenset[str]:
        return _required(type(self)) | self.needed

    def _rendered_to_nothing(self, name: str) -> bool:
        return name in self._templates and _is_nothing(getattr(self, name))


def checks_of(kind: type) -> dict[str, ArgumentReader]:
    """Return what reads the arguments of a class, its bases' too."""
    tables = [vars(base).get("checks", {}) for base in reversed(kind.__mro__)]
    return {name: reader for table in tables for name, reader in table.items()}


def check_given(kind: type[CheckedArguments], given: Mapping[str, Any]) -> None:
    """Check those of the arguments that need no rendering.

    :raises InvalidInput: One cannot be.
    """
    for name, reader in checks_of(kind).items():
        if name not in given:
            continue
        value, templated = given[name], name in kind.template_fields
        if templated and needs_rendering(value):
            continue
        try:
            reader(value, name)
        except InvalidInput as error:
            if templated or callable(value) or not needs_rendering(value):
                raise
            raise InvalidInput(f"{error}; Airflow renders no templates in {name}") from None


def needs_rendering(value: Any) -> bool:
    """Tell whether Airflow makes something else of a template field: of XComs, functions and texts with a template."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if hasattr(type(value), "iter_references") or callable(value):
        return True
    return any(needs_rendering(inner) for inner in _inside(value))


def with_hint(reader: ArgumentReader, value: Any, what: str, empty: Sequence[str]) -> None:
    """Read an argument; an error names the arguments that are empty now, and were templates before."""
    try:
        reader(value, what)
    except InvalidInput as error:
        if not empty:
            raise
        raise InvalidInput(f"{error} ({' and '.join(empty)}: {HINT})") from None


def _inside(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, list | tuple | AbstractSet):
        yield from value


def _is_nothing(value: Any) -> bool:
    """Tell whether it is what a template makes of nothing; Jinja writes None as text."""
    if isinstance(value, str):
        return value.strip() in {"", "None", "[]"}
    return value is None or (isinstance(value, list) and not value)


def _required(kind: type) -> frozenset[str]:
    """Return the names of the arguments that cannot be left out: those without a default, and the connection."""
    signatures = [inspect.signature(vars(base)["__init__"]) for base in kind.__mro__ if "__init__" in vars(base)]
    return frozenset(
        name
        for signature in signatures
        for name, one in signature.parameters.items()
        if one.kind is one.KEYWORD_ONLY and (one.default is one.empty or name == "taskcluster_conn_id")
    )


def _read(reader: ArgumentReader, value: Any, what: str) -> Any:
    try:
        return reader(value, what)
    except ConfigurationError as error:
        raise InvalidInput(str(error)) from None
