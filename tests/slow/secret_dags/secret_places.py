"""Connections and variables that are secrets, read where Airflow reads them, for test_secrets_backend.py."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from airflow.providers.common.compat.sdk import BaseHook, BaseOperator, Variable, dag, task
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_taskcluster.hooks.asynchronous import TaskclusterAsyncHook
from airflow_provider_taskcluster.hooks.taskcluster import TaskclusterHook
from airflow_provider_taskcluster.notifications.taskcluster import TaskclusterNotifier

log = logging.getLogger(__name__)
IN_SECRETS, IN_DATABASE = "in_secrets", "taskcluster_default"


async def with_async_hook():
    async with await TaskclusterAsyncHook.open(IN_SECRETS) as hook:
        return (await hook.secret("tests/direct"))["a"]


async def in_the_loop():
    return BaseHook.get_connection(IN_SECRETS).login


async def in_a_thread():
    return await asyncio.to_thread(lambda: TaskclusterHook(IN_SECRETS).settings.credentials.client_id)


async def of_the_database():
    async with await TaskclusterAsyncHook.open(IN_DATABASE) as hook:
        return (await hook.ping())["alive"]


class Reading(BaseTrigger):
    """Reads in all ways at once, several times."""

    def serialize(self):
        return "secret_places.Reading", {}

    async def run(self):
        await asyncio.sleep(2)  # events that fire at once meet a race in Airflow's scheduler
        ways = (with_async_hook, in_the_loop, in_a_thread, of_the_database)
        try:
            found = await asyncio.gather(*(way() for way in ways * 5))
            yield TriggerEvent({"found": found})
        except Exception as error:  # noqa: BLE001 (of whatever kind, the test is to show it)
            yield TriggerEvent({"error": repr(error)})


class Deferred(BaseOperator):
    def execute(self, context):
        self.defer(trigger=Reading(), method_name="ended")

    def ended(self, context, event):
        assert len(event["found"]) == 20, event
        assert all(event["found"]), event


@dag(
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    on_failure_callback=TaskclusterNotifier(text="{{ dag.dag_id }}", slack="C2", taskcluster_conn_id=IN_SECRETS),
)
def secret_places():
    @task
    def on_a_worker():
        connection = BaseHook.get_connection(IN_SECRETS)
        log.info("the password: %s", connection.password)
        log.info("the variable: %s", Variable.get("word"))
        assert TaskclusterHook(IN_SECRETS).ping()["alive"]
        assert BaseHook.get_connection(IN_DATABASE).password != ""

    @task(
        on_failure_callback=TaskclusterNotifier(text="{{ ti.task_id }}", slack="C1", taskcluster_conn_id=IN_SECRETS),
    )
    def notifies():
        raise ValueError("so that it notifies")

    on_a_worker()
    notifies()
    Deferred(task_id="in_a_triggerer")


secret_places()
