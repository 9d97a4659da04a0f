"""A limit on the time of a call, which also holds while a host name is looked up."""

from __future__ import annotations

from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_taskcluster.common.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T]) -> T:
    """Run a call in a thread of its own, and return its result. A call that is late ends unseen.

    :raises TimeoutError: The time is up.
    """
    ended: SimpleQueue[tuple[T | None, BaseException | None]] = SimpleQueue()

    def work() -> None:
        try:
            ended.put((call(), None))
        except BaseException as error:  # noqa: BLE001 (raised to the caller)
            ended.put((None, error))

    Worker("taskcluster-secrets", work).start()
    try:
        result, error = ended.get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # of the call, which raised nothing
