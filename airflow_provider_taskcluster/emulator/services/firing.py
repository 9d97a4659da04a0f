"""Firing of hooks: the task template is rendered, the task created, and the fire recorded."""

from __future__ import annotations

import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_taskcluster.emulator.auth.caller import Caller
from airflow_provider_taskcluster.emulator.clock import DAY, from_json, to_json
from airflow_provider_taskcluster.emulator.errors import (
    ApiError,
    InputError,
    InsufficientScopes,
    InternalServerError,
    ResourceNotFound,
)
from airflow_provider_taskcluster.emulator.schemas.fields import SLUGID
from airflow_provider_taskcluster.emulator.schemas.tasks import CreateTask

from .artifacts import slugid
from .paging import offset_page
from .templates import TemplateError, render
from .validation import validated

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row

    from .creation import CreationService
    from .tasks import TaskService

# The client of the hooks service, as errors about missing scopes name it.
CLIENT_ID = "static/taskcluster/hooks"
MONTH = 30 * DAY
LONGEST_ERROR = 128 * 1024

_SLUGID = re.compile(SLUGID.strip("^$"))


class FiringService:
    """Fires hooks, and lists their fires."""

    def __init__(self, context: Context, tasks: TaskService, creation: CreationService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._accounts = context.accounts
        self._tasks = tasks
        self._creation = creation
        self._takes_ids = context.settings.hook_task_ids

    def fire(self, hook: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        """Create the task of a hook; ``taskId`` in the payload becomes its id. ``{}`` if the template gives no task.

        The fire is recorded after the task was created. So after a try that failed, a second one with the same taskId
        creates the task, and then fails because there is a record already: as at the real service.
        """
        given = context["payload"].get("taskId") if self._takes_ids else None
        task_id = given if isinstance(given, str) and _SLUGID.fullmatch(given) else slugid()
        now = to_json(self._clock.now())
        error: ApiError | TemplateError | None = None
        try:
            task = render(hook["task"], {"now": now, "taskId": task_id, **context})
            if not task and task not in ({}, []):  # null, false, 0 or ""
                return {}
            self._create(hook, task_id, _with_dates(task, task_id, now))
        except (ApiError, TemplateError) as failure:
            error = failure
        self._record(hook, context["firedBy"], task_id, now, error)
        if error is not None:
            _refuse(hook, error)
        return {"taskId": task_id, "status": {"taskId": task_id}}

    def list_last_fires(
        self,
        _: Caller,
        hook_group_id: str,
        hook_id: str,
        continuation_token: str | None = None,
        limit: int | None = None,
    ) -> dict[str, Any]:
        """List the fires of a hook, newest first, in pages by offset; ResourceNotFound if there was none."""

        def fetch(offset: int, count: int) -> list[Row]:
            sql = (
                "SELECT * FROM last_fires WHERE hook_group_id = ? AND hook_id = ? "
                "ORDER BY created DESC, rowid DESC LIMIT ? OFFSET ?"
            )
            return self._database.all(sql, hook_group_id, hook_id, count, offset)

        rows, token = offset_page(fetch, token=continuation_token, limit=limit)
        if not rows:
            raise ResourceNotFound("No such hook or never fired")
        fires = [self._described(row) for row in rows]
        return {"lastFires": fires, **({"continuationToken": token} if token else {})}

    def last_fire(self, hook_group_id: str, hook_id: str) -> dict[str, Any]:
        """Describe the last fire of a hook, as its status has it."""
        sql = (
            "SELECT * FROM last_fires WHERE hook_group_id = ? AND hook_id = ? ORDER BY created DESC, rowid DESC LIMIT 1"
        )
        row = self._database.one(sql, hook_group_id, hook_id)
        if row is None:
            return {"result": "no-fire"}
        fire = {"result": row["result"], "time": to_json(row["created"])}
        if row["result"] == "success":
            return {**fire, "taskId": row["task_id"]}
        try:
            return {**fire, "error": json.loads(row["error"])}
        except ValueError:
            return {**fire, "error": {"message": row["error"]}}

    def _create(self, hook: dict[str, Any], task_id: str, task: Any) -> None:
        """Create a task with the scopes of the hook's role."""
        scopes = self._accounts.expand([f"assume:{_role(hook)}"])
        self._creation.create_task(Caller(CLIENT_ID, scopes), task_id, validated(CreateTask, task))

    def _record(
        self, hook: dict[str, Any], fired_by: str, task_id: str, now: str, error: ApiError | TemplateError | None
    ) -> None:
        group, name = hook["hookGroupId"], hook["hookId"]
        result = ("success", "") if error is None else ("error", _stored(error))
        try:
            self._database.execute(
                "INSERT INTO last_fires VALUES (?, ?, ?, ?, ?, ?, ?)",
                *(group, name, task_id, fired_by, from_json(now), *result),
            )
        except sqlite3.IntegrityError:
            raise InputError(
                "While firing hook:\n\n"
                'error: duplicate key value violates unique constraint "hooks_last_fires_pkey"\n'
                f"DETAIL: Key (hook_group_id, hook_id, task_id)=({group}, {name}, {task_id}) already exists.\n"
                'WHERE: SQL statement "insert\n'
                "    into hooks_last_fires "
                "(hook_group_id, hook_id, fired_by, task_id, task_create_time, result, error)\n"
                "    values "
                '(hook_group_id_in, hook_id_in, fired_by_in, task_id_in, task_create_time_in, result_in, error_in)"\n'
                "PL/pgSQL function create_last_fire(text,text,text,text,timestamp with time zone,text,text) "
                "line 2 at SQL statement\n"
                "CODE: 23505"
            ) from None

    def _described(self, row: Row) -> dict[str, Any]:
        task = self._tasks.find(row["task_id"])
        return {
            "hookGroupId": row["hook_group_id"],
            "hookId": row["hook_id"],
            "firedBy": row["fired_by"],
            "taskId": row["task_id"],
            "taskCreateTime": to_json(row["created"]),
            "result": row["result"],
            "error": row["error"],
            "taskState": task.state if task else "unknown",
        }


def _role(hook: dict[str, Any]) -> str:
    return f"hook-id:{hook['hookGroupId']}/{hook['hookId']}"


def _with_dates(task: Any, task_id: str, now: str) -> Any:
    """Return a task with what the template left out: it lives a day, and is kept for a month."""
    if not isinstance(task, dict):
        return task
    created = from_json(now)
    defaults = {
        "created": now,
        "deadline": to_json(created + DAY),
        "expires": to_json(created + MONTH),
        "taskGroupId": task_id,
    }
    return {**task, **{name: value for name, value in defaults.items() if not task.get(name)}}


def _message(error: ApiError) -> str:
    return "Internal Server Error" if isinstance(error, InternalServerError) else str(error)


def _stored(error: ApiError | TemplateError) -> str:
    """Return an error as the list of fires has it: what the queue said as JSON, anything else as text."""
    if isinstance(error, TemplateError):
        return str(error)
    body = {"code": error.code, "message": _message(error)}
    return json.dumps({"code": error.code, "statusCode": error.status, "body": body}, indent=2)[:LONGEST_ERROR]


def _refuse(hook: dict[str, Any], error: ApiError | TemplateError) -> NoReturn:
    """Raise what the caller of a trigger is told."""
    if isinstance(error, TemplateError):
        raise InputError(f"While firing hook:\n\n{error}")
    if isinstance(error, InsufficientScopes):
        raise InsufficientScopes(
            f"The role `{_role(hook)}` does not have sufficient scopes to create the task:\n\n{error}"
        )
    raise InputError(f"While calling createTask: {error.code}\n\n{_message(error)}")
