"""Readers of objects and lists in a service's JSON, put together from those of single values. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.services.readers import SchemaMismatch, kind, mismatch, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.services.readers import JsonReader

DEEPEST = 100


def fields(required: Mapping[str, JsonReader], optional: Mapping[str, JsonReader] | None = None) -> JsonReader:
    """Return a reader of objects with these fields; others that an answer has stay as they are.

    :param optional: Fields that may be missing; one that is null is taken for missing.
    """
    maybe = optional or {}

    def read(value: Any) -> dict[str, Any]:
        found = dict(_object(value))
        for name, reader in required.items():
            if name not in found:
                raise SchemaMismatch("missing", name)
            found[name] = _read(reader, found[name], name)
        for name, reader in maybe.items():
            if found.get(name) is not None:
                found[name] = _read(reader, found[name], name)
            else:
                found.pop(name, None)
        return found

    return read


def variants(name: str, known: Mapping[str, JsonReader]) -> JsonReader:
    """Return a reader of objects whose field ``name`` tells what other fields there are; other kinds are refused."""
    which = fields({name: kind})

    def read(value: Any) -> Any:
        found = which(value)
        if found[name] not in known:
            raise mismatch(found[name], f"one of {', '.join(known)}").below(name)
        return known[found[name]](found)

    return read


def list_of(reader: JsonReader) -> JsonReader:
    """Return a reader of lists."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise mismatch(value, "a list")
        return [_read(reader, item, f"[{index}]") for index, item in enumerate(value)]

    return read


def mapping_of(reader: JsonReader) -> JsonReader:
    """Return a reader of objects whose keys are data as well, such as headers."""

    def read(value: Any) -> dict[str, Any]:
        return {_read(word, key, "a key"): _read(reader, item, key) for key, item in _object(value).items()}

    return read


def no_content(value: Any) -> None:
    """Read the answer of a call that promises none: nothing, or an object."""
    if value is not None:
        _object(value)


def shallow(value: Any) -> dict[str, Any]:
    """Read an object of anything. It goes on as JSON: one that is nested too deeply would break who writes that."""
    level: list[Any] = [_object(value)]
    for _ in range(DEEPEST):
        inner = [item for outer in level for item in (outer.values() if isinstance(outer, dict) else outer)]
        level = [item for item in inner if isinstance(item, dict | list)]
        if not level:
            return dict(value)
    raise SchemaMismatch(f"nested more than {DEEPEST} deep")


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise mismatch(value, "an object")


def _read(reader: JsonReader, item: Any, step: str) -> Any:
    try:
        return reader(item)
    except SchemaMismatch as odd:
        raise odd.below(step) from None
