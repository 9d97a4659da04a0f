"""A key that tells a retry of ``TaskclusterRunTaskOperator`` which task it has created."""

from __future__ import annotations

import pytest
from airflow_tries import StateStore, TaskInstance, connect_temporarily
from operator_of_a_task import operator, started

__all__ = ["operator"]

pytestmark = pytest.mark.usefixtures("own_dag_run")


class TestIdentity:
    def test_temporary_credentials_keep_a_key_in_the_state_store(self, operator, connect, tc, created_tasks):
        store = StateStore()
        connect_temporarily(connect, tc)
        tasks = [started(operator("tc_temporary"), TaskInstance(store=store)) for _ in range(2)]
        assert tasks[0] == tasks[1]
        assert created_tasks() == tasks[:1]

    def test_a_recorder_keeps_it_where_there_is_no_store(self, operator, connect, tc, tmp_path):
        connect_temporarily(connect, tc)
        arguments = {"recorder": str(tmp_path)}
        tasks = {started(operator("tc_temporary", **arguments), TaskInstance()) for _ in range(2)}
        assert len(tasks) == 1

    def test_without_either_the_log_says_what_a_retry_does(self, operator, connect, tc, caplog):
        connect_temporarily(connect, tc)
        tasks = {started(operator("tc_temporary"), TaskInstance()) for _ in range(2)}
        assert len(tasks) == 2
        assert "the next one creates a second task" in caplog.text
