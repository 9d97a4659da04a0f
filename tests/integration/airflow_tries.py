"""The context that Airflow gives to the tries of one task instance."""

from __future__ import annotations

import asyncio
import inspect
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import taskcluster
from airflow.providers.common.compat.sdk import TaskDeferred

from airflow_provider_taskcluster.emulator.worker.simulated import Run


def deferred(operator, instance):
    """Execute an operator that defers, and return its trigger."""
    with pytest.raises(TaskDeferred) as caught:
        operator.execute(instance.context)
    assert caught.value.method_name == "execute_complete"
    return caught.value.trigger


def event_of(trigger, kind):
    """Run a trigger that was serialized, and return its event.

    :param kind: Its class.
    """
    path, options = trigger.serialize()
    assert path == f"{kind.__module__}.{kind.__qualname__}"

    async def first():
        async for event in kind(**options).run():
            return event.payload
        return None

    return asyncio.run(asyncio.wait_for(first(), 60))


def claimed_run(worker, claim):
    """Return the run of an answer to ``claimWork``."""
    return Run(claim["status"]["taskId"], claim["runId"], worker.root_url, claim["credentials"])


def execute_in_thread(operator, context):
    """Call ``execute`` without Airflow's wrapper, which Airflow 2 supports in the main thread only."""
    return inspect.unwrap(type(operator).execute)(operator, context)


class TaskInstance:
    """Stands for Airflow's task instance: its identity, its numbers, and XCom."""

    dag_id, run_id, task_id = "a_dag", "manual__1", "task"

    def __init__(self, *, max_tries=0, try_number=1, map_index=-1, started=None, store=None):
        self.map_index = map_index
        self.max_tries = max_tries
        self.try_number = try_number
        self.start_date = datetime.now(UTC)
        self.next_method = None
        self._dag_run = SimpleNamespace(start_date=started or datetime.now(UTC) - timedelta(seconds=1))
        self._store = store
        self.xcom = {}

    @property
    def context(self):
        return {"ti": self, "dag_run": self._dag_run, "task_state_store": self._store}

    def xcom_push(self, key, value):
        self.xcom[key] = value

    def xcom_pull(self, task_ids, key, map_indexes):
        assert (task_ids, map_indexes) == (self.task_id, self.map_index)
        return self.xcom.get(key)


class StateStore(dict):
    """Stands for Airflow's task state store."""

    set = dict.__setitem__
    delete = dict.pop


def connect_temporarily(connect, tc):
    """Make the connection ``tc_temporary``, whose credentials last for an hour: nothing lasting derives ids."""
    now = datetime.now(UTC)
    made = taskcluster.createTemporaryCredentials(
        tc.client_id, tc.access_token, now - timedelta(minutes=1), now + timedelta(hours=1), ["*"]
    )
    login, password, certificate = (
        value.decode() if isinstance(value := made[name], bytes) else value
        for name in ("clientId", "accessToken", "certificate")
    )
    connect("tc_temporary", login=login, password=password, extra={"certificate": certificate})
