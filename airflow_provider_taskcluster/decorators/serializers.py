"""The serializers of arguments and results: Airflow's, and JSON, with which nothing of a task is unpickled."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

from airflow_provider_taskcluster.common.messages import one_line
from airflow_provider_taskcluster.exceptions import InvalidInput
from airflow_provider_taskcluster.tasks.function_runner import JSON_SERIALIZER

Serializer = Literal["pickle", "cloudpickle", "dill", "json"]


class JsonSerializer:
    """JSON, with the functions of ``pickle``."""

    __name__ = JSON_SERIALIZER

    def dumps(self, value: Any) -> bytes:
        """Return a value as JSON text."""
        return json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """Return the value of a JSON text."""
        return json.loads(data)


def serializer_module(name: Serializer) -> Any:
    """Return the module of a serializer, with ``dumps`` and ``loads``.

    :raises InvalidInput: It is not installed here.
    """
    if name == "json":
        return JsonSerializer()
    from airflow.providers.common.compat.standard.operators import _SERIALIZERS

    module = _SERIALIZERS[name]
    try:
        module.dumps  # noqa: B018 (it is imported now)
    except ModuleNotFoundError:
        raise InvalidInput(
            f"serializer is {name!r}, which is not installed here: install it, on the worker too"
        ) from None
    return module


def serialized(name: Serializer, arguments: Collection[Any], options: Mapping[str, Any]) -> bytes:
    """Return the serialized arguments of a call; empty if there are none.

    :raises InvalidInput: One cannot be serialized; the error names it.
    """
    if not arguments and not options:
        return b""
    module = serializer_module(name)
    args, kwargs = [plain_value(value) for value in arguments], {key: plain_value(options[key]) for key in options}
    try:
        return bytes(module.dumps({"args": args, "kwargs": kwargs}))
    except Exception as error:  # noqa: BLE001 (code of the arguments)
        named = [*enumerate(args), *kwargs.items()]
        refused = [repr(key) for key, value in named if not _is_serializable(module, value)]
        raise InvalidInput(
            f"Arguments {', '.join(refused)} cannot be serialized by {name} ({type(error).__name__}: "
            f"{one_line(error)}): pass values in place of objects of Airflow"
        ) from None


def plain_value(value: Any) -> Any:
    """Return a value with the results of mapped tasks, which Airflow reads lazily, as lists."""
    if isinstance(value, Sequence) and type(value).__module__.startswith("airflow."):
        return list(value)
    if type(value) in {list, tuple}:
        return type(value)(map(plain_value, value))
    if type(value) is dict:
        return {key: plain_value(inner) for key, inner in value.items()}
    return value


def _is_serializable(module: Any, value: Any) -> bool:
    try:
        module.dumps(value)
    except Exception:  # noqa: BLE001 (code of the argument)
        return False
    return True
