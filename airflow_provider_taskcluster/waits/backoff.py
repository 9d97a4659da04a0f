"""Exponential backoff between the looks of a wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """The intervals of Airflow's ``exponential_backoff``, without jitter: waits that begin together look together.

    The interval depends only on the time since the wait began, so that no look is counted, and a restarted triggerer
    continues with the same interval.

    :param started: When the wait began, in seconds since 1970.
    :param max_wait: Longest interval in seconds; None for no limit.
    """

    started: float
    max_wait: float | None = None

    def seconds(self, poke_interval: float, now: float) -> float:
        """Return the interval that begins now.

        :param poke_interval: Seconds; the first interval is half of it, and each further one doubles. None is shorter
            than a second, unless ``max_wait`` is.
        :param now: Seconds since 1970.
        """
        looks = 1
        end = interval = _interval(poke_interval, looks)
        while end <= now - self.started:
            looks += 1
            interval = _interval(poke_interval, looks)
            end += interval
        return interval if self.max_wait is None else min(interval, self.max_wait)


def _interval(poke_interval: float, looks: int) -> float:
    return max(int(poke_interval * 2 ** (looks - 2)), 1)
