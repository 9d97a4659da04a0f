"""Readers of objects and lists in a service's JSON, composed of readers of single values. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.services.readers import SchemaMismatch, kind, mismatch, word

if TYPE_CHECKING:
    from collections.abc import Mapping

    from airflow_provider_taskcluster.services.readers import JsonReader

DEEPEST = 100


def object_of(required: Mapping[str, JsonReader], optional: Mapping[str, JsonReader] | None = None) -> JsonReader:
    """Return a reader of objects with these fields; other fields are passed through.

    :param optional: Fields that may be missing; null counts as missing.
    """
    optional_fields = optional or {}

    def read(value: Any) -> dict[str, Any]:
        checked = dict(_object(value))
        for name, reader in required.items():
            if name not in checked:
                raise SchemaMismatch("missing", name)
            checked[name] = _read(reader, checked[name], name)
        for name, reader in optional_fields.items():
            if checked.get(name) is not None:
                checked[name] = _read(reader, checked[name], name)
            else:
                checked.pop(name, None)
        return checked

    return read


def variants(name: str, known: Mapping[str, JsonReader]) -> JsonReader:
    """Return a reader of objects whose field ``name`` selects the reader of the others; unknown values are refused."""
    which = object_of({name: kind})

    def read(value: Any) -> Any:
        checked = which(value)
        if checked[name] not in known:
            raise mismatch(checked[name], f"one of {', '.join(known)}").below(name)
        return known[checked[name]](checked)

    return read


def list_of(reader: JsonReader) -> JsonReader:
    """Return a reader of lists."""

    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise mismatch(value, "a list")
        return [_read(reader, item, f"[{index}]") for index, item in enumerate(value)]

    return read


def mapping_of(reader: JsonReader) -> JsonReader:
    """Return a reader of objects with any keys, such as headers."""

    def read(value: Any) -> dict[str, Any]:
        return {_read(word, key, "a key"): _read(reader, item, key) for key, item in _object(value).items()}

    return read


def no_content(value: Any) -> None:
    """Read the response of a call without a result: nothing, or an object."""
    if value is not None:
        _object(value)


def shallow(value: Any) -> dict[str, Any]:
    """Read an object of anything, nested at most ``DEEPEST`` deep: deeper ones cannot be written as JSON again."""
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
    except SchemaMismatch as error:
        raise error.below(step) from None
