"""Longer and longer intervals between the looks of a wait. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """As ``exponential_backoff`` of Airflow's sensors, without chance: what begins together has its looks together.

    The interval follows from the time since the wait began, so that nobody has to count the looks, and a triggerer that
    was restarted goes on where the one before was.

    :param started: When the wait began, in seconds since 1970.
    :param max_wait: Longest interval in seconds; None for no limit.
    """

    started: float
    max_wait: float | None = None

    def seconds(self, poke_interval: float, now: float) -> float:
        """Return the interval that begins now.

        :param poke_interval: Seconds; the first interval is half of it, each other one twice the one before, and none
            is shorter than a second, if ``max_wait`` is not.
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
