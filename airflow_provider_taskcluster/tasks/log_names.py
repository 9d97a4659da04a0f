"""Names of the log artifacts of a task. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

LIVE_LOG = "public/logs/live.log"
BACKING_LOG = "public/logs/live_backing.log"
# Characters of an artifact name.
_LONGEST_NAME = 1024


class LogNames(NamedTuple):
    """Names of the artifacts with the log of a run.

    :param live: The log while the run goes on: a reference to a stream, later a link to the whole.
    :param backing: The whole log, after the run.
    """

    live: str = LIVE_LOG
    backing: str = BACKING_LOG

    @property
    def are_default(self) -> bool:
        """Whether one of them is the default, which the payload of a task can rename."""
        return self.live == LIVE_LOG or self.backing == BACKING_LOG

    def renamed_by(self, definition: Mapping[str, Any]) -> LogNames:
        """Return the names that the payload of a task gives in place of the default ones.

        Payloads of generic-worker have ``logs.live`` and ``logs.backing``, those of docker-worker ``log``.
        """
        payload = _mapping(definition.get("payload"))
        logs = _mapping(payload.get("logs"))
        names = self
        if self.live == LIVE_LOG:
            names = names._replace(live=_name(logs.get("live")) or _name(payload.get("log")) or self.live)
        if self.backing == BACKING_LOG:
            names = names._replace(backing=_name(logs.get("backing")) or self.backing)
        return names


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _name(value: object) -> str:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST_NAME else ""
