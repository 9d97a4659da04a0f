"""Hooks of an emulator."""

from __future__ import annotations

import secrets

METADATA = {"name": "n", "owner": "nobody@example.com", "description": "d"}
# Lets taskId through, as every schema that says nothing of other properties.
OPEN = {"type": "object"}
STRICT = {"type": "object", "properties": {"token": {"type": "string"}}, "additionalProperties": False}


def template(task_queue_id, **fields):
    """The template of a task, which copies a token if there is one."""
    metadata = {"name": "n", "owner": "nobody@example.com", "source": "https://example.com", "description": "d"}
    token = {"$if": "defined('payload') && 'token' in payload", "then": "${payload.token}", "else": "none"}
    return {"taskQueueId": task_queue_id, "payload": {}, "metadata": metadata, "extra": {"from": token}, **fields}


class MadeHook:
    """A hook, whose role may make its task.

    :param admin: The hook of Airflow with all scopes.
    :param task: Template of the task.
    """

    def __init__(self, admin, task, *, schema=OPEN, scopes=None):
        self.admin, self.task, self.schema = admin, task, schema
        self.name = (f"group-{secrets.token_hex(4)}", "make/it")
        self.admin.call("hooks", "createHook", *self.name, payload=self._definition())
        self.role = f"hook-id:{'/'.join(self.name)}"
        self.grant([f"queue:create-task:lowest:{task.get('taskQueueId', '*')}"] if scopes is None else scopes)

    def _definition(self):
        return {"metadata": METADATA, "task": self.task, "triggerSchema": self.schema, "bindings": []}

    def change(self, **parts):
        """Give the hook another ``task`` or ``schema``."""
        vars(self).update(parts)
        self.admin.call("hooks", "updateHook", *self.name, payload=self._definition())

    def grant(self, scopes):
        """Give the role these scopes, and those that every task takes."""
        usual = ["queue:create-task:project:none", "queue:scheduler-id:-"]
        payload = {"description": "makes the task", "scopes": [*scopes, *usual] if scopes else []}
        exists = self.role in self.admin.call("auth", "listRoleIds")["roleIds"]
        self.admin.call("auth", "updateRole" if exists else "createRole", self.role, payload=payload)

    @property
    def arguments(self):
        """The arguments of the operator that name it."""
        return {"hook_group_id": self.name[0], "hook_id": self.name[1]}

    def fires(self):
        return self.admin.hook_last_fires(*self.name)

    def made(self):
        """Ids of the tasks that it made, the first one first."""
        return [fire["taskId"] for fire in self.fires() if fire["taskState"] != "unknown"][::-1]
