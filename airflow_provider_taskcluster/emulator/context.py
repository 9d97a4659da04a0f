"""What every service works with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.accounts import Accounts
    from airflow_provider_taskcluster.emulator.clock import Clock
    from airflow_provider_taskcluster.emulator.database import Database
    from airflow_provider_taskcluster.emulator.settings import Settings
    from airflow_provider_taskcluster.emulator.store import Store


@dataclass(frozen=True)
class Context:
    """The state of one emulator and the rules it goes by."""

    database: Database
    clock: Clock
    accounts: Accounts
    store: Store
    settings: Settings
