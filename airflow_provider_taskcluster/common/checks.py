"""Checks the arguments of operators and sensors when the DAG is parsed; those with templates once they are rendered.

A mistake in a DAG file is then an import error in Airflow's UI, and does not make a task fail at night.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow_provider_taskcluster.common import values
from airflow_provider_taskcluster.common.arguments import as_values, choice
from airflow_provider_taskcluster.common.counts import whole_number
from airflow_provider_taskcluster.common.mapped_arguments import CheckedPartial
from airflow_provider_taskcluster.exceptions import ConfigurationError, InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

# Reads an argument, given its name for the error; raises InvalidInput if the value is invalid.
ArgumentReader = Callable[[Any, str], object]

HINT = "did a template render to nothing?"
_MARKS = ("{{", "{%", "{#")


def seconds(value: Any, argument: str) -> float | None:
    """Return a number of seconds; None stands for the connection's.

    :raises InvalidInput: It is not a number above 0.
    """
    try:
        return None if value is None else values.positive_number(value, argument)
    except ConfigurationError as error:
        raise InvalidInput(str(error)) from None


def count(value: Any, argument: str) -> int | None:
    """Return a whole number, 0 or more; None stands for the connection's.

    :raises InvalidInput: It is not such a number.
    """
    return None if value is None else whole_number(value, argument)


def one_of(choices: Any) -> ArgumentReader:
    """Return a reader of one of a few words.

    :param choices: The words, or a ``Literal`` of them.
    """
    allowed = get_args(choices) or choices
    return lambda value, argument: choice(value, argument, allowed)


def at_least(least: int) -> ArgumentReader:
    """Return a reader of a whole number, ``least`` or more."""
    return lambda value, argument: whole_number(value, argument, least=least)


class CheckedArguments:
    """Base of operators whose arguments are checked as early as possible.

    A constructor ends with ``check_arguments``, and ``execute`` begins with ``check_rendered``. The latter checks the
    values that Airflow fills in late: XComs, templates, and the arguments of ``expand``.
    """

    checks: ClassVar[Mapping[str, ArgumentReader]] = {
        "connect_timeout": seconds,
        "read_timeout": seconds,
        "max_retries": count,
    }
    """Readers of arguments, by name; a class adds its own to those of its bases."""

    depends: ClassVar[tuple[str, ...]] = ()
    """Arguments that are checked together, once all of them are known; omitted ones are None."""

    needed: ClassVar[frozenset[str]] = frozenset()
    """Arguments that may be omitted, but whose template must not render to nothing."""

    stored_as: ClassVar[Mapping[str, str]] = {}
    """Attributes of arguments, by the argument, where Airflow has another use for an attribute of the same name."""

    json_fields: ClassVar[Mapping[str, Callable[..., Any]]] = {"data": as_values}
    """Arguments that become JSON, and may hold empty values, each with the function that renders it."""

    template_fields: Collection[str]
    task_id: str

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._templates: frozenset[str] = frozenset()  # names of the arguments that Airflow renders

    @classmethod
    def partial(cls, **kwargs: Any) -> Any:
        """Map as Airflow does. Single arguments are checked now, arguments that depend on each other by ``expand``."""
        check_given(cls, kwargs)
        partial = super().partial(**kwargs)  # type: ignore[misc]  # Airflow's
        return CheckedPartial(partial, cls._check_mapped, cls.depends)

    @classmethod
    def _check_mapped(cls, given: Mapping[str, Any]) -> None:
        together = {name: given.get(name) for name in cls.depends}
        named = not given.keys().isdisjoint(cls.depends)  # a task without any of them fails by itself
        if named and not any(map(needs_rendering, together.values())):
            cls.check_together(given["task_id"], **together)

    @classmethod
    def check_together(cls, task_id: str, **given: Any) -> None:
        """Check the arguments that depend on each other.

        :param given: The arguments in ``depends``, in that order.
        :raises InvalidInput: They contradict each other.
        """

    def check_arguments(self) -> None:
        """Check the arguments that are known when the DAG is parsed.

        :raises InvalidInput: An argument is invalid.
        """
        self._templates = frozenset(name for name in self.template_fields if needs_rendering(getattr(self, name, None)))
        if getattr(self, "_BaseOperator__from_mapped", False):
            return  # a mapped task, which checks everything in check_rendered
        check_given(type(self), {name: self._argument(name) for name in checks_of(type(self))})
        if self._templates.isdisjoint(self.depends):
            self._check_together()

    def check_rendered(self) -> None:
        """Check all arguments, once they are rendered.

        :raises InvalidInput: An argument is invalid; says so if its template rendered to nothing.
        """
        self.clear_omitted()
        for name in self._templates:
            value = getattr(self, name)
            if name in self._needed and _is_nothing(value):
                raise InvalidInput(f"{name} is {value!r}: {HINT}")
            if name not in self.json_fields and any(map(_is_nothing, _inside(value))):
                raise InvalidInput(f"{name} holds an empty value, {value!r}: {HINT}")
        for name, reader in checks_of(type(self)).items():
            with_hint(reader, self._argument(name), name, [name] if self._rendered_to_nothing(name) else [])
        empty = [name for name in self.depends if self._rendered_to_nothing(name)]
        with_hint(lambda *_: self._check_together(), None, "", empty)

    def _argument(self, name: str) -> Any:
        return getattr(self, self.stored_as.get(name, name))

    def _check_together(self) -> None:
        self.check_together(self.task_id, **{name: getattr(self, name) for name in self.depends})

    def clear_omitted(self) -> None:
        """Set arguments to None whose template rendered to None, which Jinja writes as text."""
        for name in self._templates - self._needed - self.json_fields.keys():
            value = getattr(self, name)
            if isinstance(value, str) and value.strip() == "None":
                setattr(self, name, None)

    @property
    def _needed(self) -> frozenset[str]:
        return _required(type(self)) | self.needed

    def _rendered_to_nothing(self, name: str) -> bool:
        return name in self._templates and _is_nothing(getattr(self, name))


def checks_of(kind: type) -> dict[str, ArgumentReader]:
    """Return the readers of a class and its bases, by the name of the argument."""
    tables = [vars(base).get("checks", {}) for base in reversed(kind.__mro__)]
    return {name: reader for table in tables for name, reader in table.items()}


def check_given(kind: type[CheckedArguments], given: Mapping[str, Any]) -> None:
    """Check the given arguments that need no rendering.

    :raises InvalidInput: One is invalid.
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
    """Tell whether Airflow replaces a value when it renders it: XComs, functions and text with a template."""
    if isinstance(value, str):
        return any(mark in value for mark in _MARKS)
    if hasattr(type(value), "iter_references") or callable(value):
        return True
    return any(needs_rendering(inner) for inner in _inside(value))


def with_hint(reader: ArgumentReader, value: Any, argument: str, empty: Sequence[str]) -> None:
    """Read an argument; the error names the arguments whose template rendered to nothing.

    :param empty: Names of these arguments.
    """
    try:
        reader(value, argument)
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
    """Tell whether a template rendered to nothing; Jinja writes None as text."""
    if isinstance(value, str):
        return value.strip() in {"", "None", "[]"}
    return value is None or (isinstance(value, list) and not value)


def _required(kind: type) -> frozenset[str]:
    """Return the names of the required arguments: those without a default, and the connection."""
    signatures = [inspect.signature(vars(base)["__init__"]) for base in kind.__mro__ if "__init__" in vars(base)]
    return frozenset(
        name
        for signature in signatures
        for name, one in signature.parameters.items()
        if one.kind is one.KEYWORD_ONLY and (one.default is one.empty or name == "taskcluster_conn_id")
    )
