"""A cached property without a lock.

Before Python 3.12, ``functools.cached_property`` holds one lock for all objects of a class while it computes a value.
A triggerer suspends a greenlet in the middle of reading a connection; with that lock, all other threads would wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, overload

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class cached_attribute(Generic[T]):  # noqa: N801 (a decorator)
    """Compute an attribute on first use. Concurrent threads may each compute a value; all get the first one."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        """Record the name of the attribute."""
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> T: ...

    def __get__(self, instance: object | None, owner: type) -> Self | T:
        """Return the value, and store it in the instance, where later look-ups find it."""
        if instance is None:
            return self
        made: T = instance.__dict__.setdefault(self._name, self._make(instance))
        return made
