"""The reference describes each argument of a constructor, once: in its class, or in a base class."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path

import pytest
from public_api import MODULES, PACKAGE, public_names

sys.path.insert(0, str(Path(__file__).parents[2] / "docs" / "extensions"))
from inherited_parameters import add_inherited, all_parameters, parameters


def documented_classes():
    for module in MODULES:
        if module.split(".")[0] in {"operators", "sensors", "triggers", "notifications", "secrets"}:
            loaded = importlib.import_module(f"{PACKAGE}.{module}")
            yield from (thing for name in public_names(loaded) if isinstance(thing := getattr(loaded, name), type))


def arguments(documented):
    """All arguments that a class or a base class of this package names."""
    for each in documented.__mro__:
        if each.__module__.startswith(PACKAGE) and "__init__" in vars(each):
            for name, parameter in inspect.signature(each.__init__).parameters.items():
                if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD:
                    yield name


@pytest.mark.parametrize("documented", [*documented_classes()], ids=lambda documented: documented.__name__)
def test_every_argument_is_described_and_none_twice_in_the_same_words(documented):
    described = all_parameters(documented)
    if described:
        assert set(arguments(documented)) - set(described) == set()
    inherited = {}
    for base in documented.__mro__[1:]:
        if base.__module__.startswith(PACKAGE):
            inherited = all_parameters(base) | inherited
    own = parameters(inspect.cleandoc(documented.__doc__ or "").splitlines())
    assert [name for name in own if own[name] == inherited.get(name)] == []


def test_inherited_parameters_come_after_a_class_s_own_and_before_its_result():
    class Base:
        """Wait.

        :param conn_id: Id of the connection.
        :param size: Bytes of the base.
        """

    class Derived(Base):
        """Copy.

        :param size: Bytes
            of the copy.
        :return: Nothing.
        """

    Base.__module__ = Derived.__module__ = f"{PACKAGE}.example"
    lines = inspect.cleandoc(Derived.__doc__).splitlines()
    add_inherited(None, "class", "Derived", Derived, None, lines)
    assert lines == [
        "Copy.",
        "",
        ":param size: Bytes",
        "    of the copy.",
        ":param conn_id: Id of the connection.",
        ":return: Nothing.",
    ]


def test_a_class_without_parameters_of_its_own_shows_those_of_its_base():
    class Base:
        """Wait.

        :param conn_id: Id of the connection.
        """

    class Derived(Base):
        """Copy."""

    Base.__module__ = Derived.__module__ = f"{PACKAGE}.example"
    lines = ["Copy."]
    add_inherited(None, "class", "Derived", Derived, None, lines)
    assert lines == ["Copy.", "", ":param conn_id: Id of the connection."]
