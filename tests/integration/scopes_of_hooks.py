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


def ran(w, one, **arguments):
    """Run the task of a hook."""
    w.blanks["taskId"] = "*"  # each client derives another

    def run():
        operator = TaskclusterTriggerHookOperator(
            task_id="run", taskcluster_conn_id=w.hook.taskcluster_conn_id, log="none", **one.arguments, **arguments
        )
        context = TaskInstance().context
        try:
            w.tc.bulk.resolve([operator.start(context)["taskId"]])
            assert operator.execute(context)["state"] == "completed"
        finally:
            operator.hook.close()

    return run


@line("`TaskclusterTriggerHookOperator`")
def hook_operator(w):
    return ran(w, made_hook(w))


@line("the same with `token_field`")
def hook_operator_with_a_token(w):
    return ran(w, made_hook(w), token_field="token")


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
