"""The state and settings that every service shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.accounts import Accounts
    from airflow_provider_taskcluster.emulator.clock import Clock
    from airflow_provider_taskcluster.emulator.database import Database
    from airflow_provider_taskcluster.emulator.outbox import Outbox
    from airflow_provider_taskcluster.emulator.settings import Settings
    from airflow_provider_taskcluster.emulator.store import Store


@dataclass(frozen=True)
class Context:
    """State and settings of one emulator."""

    database: Database
    clock: Clock
    accounts: Accounts
    store: Store
    settings: Settings
    outbox: Outbox
    root_url: str
