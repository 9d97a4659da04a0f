"""Operations on hooks of Taskcluster, for the table of scopes."""

from __future__ import annotations

from airflow_tries import TaskInstance
from scopes_table import line
from taskcluster_hooks import MadeHook, template

from airflow_provider_taskcluster.operators.hooks import TaskclusterTriggerHookOperator


def made_hook(w):
    """A hook that has fired."""
    one = MadeHook(w.admin, template("tests/scopes"))
    w.blanks |= dict(zip(("hookGroupId", "hookId"), one.name, strict=True))
    w.admin.trigger_hook(*one.name)
    return one


def ran(w, operator):
    """Run the task of a hook."""
    context = TaskInstance().context
    try:
        w.tc.bulk.resolve([operator.start(context)["taskId"]])
        assert operator.execute(context)["state"] == "completed"
    finally:
        operator.hook.close()


@line("`TaskclusterTriggerHookOperator`")
def hook_operator(w):
    arguments = {"task_id": "run", "log": "none", **made_hook(w).arguments}
    w.blanks["taskId"] = "*"  # each client derives another
    return lambda: ran(w, TaskclusterTriggerHookOperator(taskcluster_conn_id=w.hook.taskcluster_conn_id, **arguments))


@line("the same with `token_field`")
def hook_operator_with_a_token(w):
    arguments = {"task_id": "run", "log": "none", "token_field": "token", **made_hook(w).arguments}
    w.blanks["taskId"] = "*"
    return lambda: ran(w, TaskclusterTriggerHookOperator(taskcluster_conn_id=w.hook.taskcluster_conn_id, **arguments))


@line("`trigger_hook`")
def trigger_hook(w):
    one = made_hook(w)
    return lambda: w.hook.trigger_hook(*one.name)


@line("`hook_last_fires`")
def hook_last_fires(w):
    one = made_hook(w)

    def listed():
        assert w.hook.hook_last_fires(*one.name)

    return listed
