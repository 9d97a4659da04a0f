"""Counts of a chaos run."""

from __future__ import annotations

from dataclasses import dataclass, field, fields


@dataclass
class Tally:
    """Counts of transfers, tries and incidents, and the violations.

    :param transfers: Transfers that ran to their end.
    :param tries: Tries of all transfers, including those without trouble.
    :param lost_names: Object artifacts whose upload id was lost with the try that received it, as documented.
    """

    transfers: int = 0
    tries: int = 0
    client_kills: int = 0
    emulator_kills: int = 0
    faults: int = 0
    full_disks: int = 0
    power_losses: int = 0
    lost_names: int = 0
    violations: list[str] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another tally."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        counts = {each.name.replace("_", " "): getattr(self, each.name) for each in fields(self)}
        counts["violations"] = len(self.violations)
        return ", ".join(f"{count} {name}" for name, count in counts.items())
