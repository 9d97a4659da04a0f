"""The index: tasks by path, inserted by their routes when they complete, or by a call."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from airflow_provider_taskcluster.emulator.clock import DAY, from_json, to_json
from airflow_provider_taskcluster.emulator.database import pack, unpack
from airflow_provider_taskcluster.emulator.errors import InternalServerError, ResourceNotFound
from airflow_provider_taskcluster.emulator.schemas.fields import NAMESPACE
from airflow_provider_taskcluster.emulator.schemas.index import IndexPaths, InsertTask

from .paging import page
from .replies import Redirect

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.auth.caller import Caller
    from airflow_provider_taskcluster.emulator.context import Context
    from airflow_provider_taskcluster.emulator.database import Row

    from .contents import ContentService
    from .lifecycle import Task
    from .replies import FailedDependency
    from .tasks import TaskService

ROUTE = "index."
_NAMESPACE = re.compile(NAMESPACE)


class IndexService:
    """Indexed tasks, and the namespaces of their paths."""

    def __init__(self, context: Context, tasks: TaskService, contents: ContentService) -> None:
        self._database = context.database
        self._clock = context.clock
        self._tasks = tasks
        self._contents = contents
        tasks.when_resolved.append(self.index)

    def find_task(self, _: Caller, index_path: str) -> dict[str, Any]:
        """Return the task at a path."""
        return _task(self._load(index_path))

    def find_tasks(
        self, caller: Caller, request: IndexPaths, continuation_token: str | None = None, limit: int | None = None
    ) -> dict[str, Any]:
        """Return the tasks at many paths; empty paths are left out, and one missing scope refuses the call."""
        caller.require(*(f"index:find-task:{path}" for path in request.indexes))
        if len(set(request.indexes)) < len(request.indexes):
            raise InternalServerError("Internal Server Error")
        wanted = pack(request.indexes)

        def fetch(after: list[str], count: int) -> list[Row]:
            return self._database.all(
                "SELECT * FROM indexed_tasks WHERE path IN (SELECT value FROM json_each(?)) AND expires > ? "
                "AND path > ? ORDER BY path LIMIT ?",
                *(wanted, self._clock.now(), *after, count),
            )

        rows, token = page(fetch, lambda row: [row["path"]], start=[""], token=continuation_token, limit=limit)
        return {"tasks": [_task(row) for row in rows], **({"continuationToken": token} if token else {})}

    def insert_task(self, _: Caller, namespace: str, request: InsertTask) -> dict[str, Any]:
        """Insert a task, which need not exist; an indexed task of a higher rank is not replaced."""
        if not float(request.rank).is_integer():
            raise InternalServerError("invalid input syntax for type integer")
        self._insert(namespace, request)
        return _task(self._row(namespace))

    def delete_task(self, _: Caller, namespace: str) -> dict[str, Any]:
        """Remove the task at a path; one of a lower rank that it replaced does not come back."""
        self._database.execute("DELETE FROM indexed_tasks WHERE path = ?", namespace)
        return {}

    def list_tasks(self, _: Caller, namespace: str = "", **paging: Any) -> dict[str, Any]:
        """List the tasks directly in a namespace, by default the root."""
        rows, token = self._page("indexed_tasks", namespace, **paging)
        return {"tasks": [_task(row) for row in rows], **token}

    def list_namespaces(self, _: Caller, namespace: str = "", **paging: Any) -> dict[str, Any]:
        """List the namespaces directly in a namespace, by default the root."""
        rows, token = self._page("namespaces", namespace, **paging)
        return {"namespaces": [_namespace(row) for row in rows], **token}

    def find_artifact_from_task(self, caller: Caller, index_path: str, name: str) -> Redirect | FailedDependency:
        """Redirect without a body to an artifact of the task at a path; the real index redirects to the queue first."""
        reply = self._contents.get_latest_artifact(caller, self._load(index_path)["task_id"], name)
        return Redirect(reply.url) if isinstance(reply, Redirect) else reply

    def index(self, task: Task) -> None:
        """Index a completed task under the paths in its routes, with the options in its ``extra.index``."""
        if task.state != "completed":
            return
        definition = self._tasks.definition(task.task_id)
        paths = [route.removeprefix(ROUTE) for route in definition["routes"] if route.startswith(ROUTE)]
        entry = _entry(task.task_id, definition)
        for path in paths:
            if entry is not None and _NAMESPACE.fullmatch(path):
                self._insert(path, entry)

    def _insert(self, path: str, entry: InsertTask) -> None:
        expires = from_json(entry.expires)
        with self._database.transaction():
            changed = self._database.execute(
                "INSERT INTO indexed_tasks VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (path) DO UPDATE SET "
                "task_id = excluded.task_id, rank = excluded.rank, data = excluded.data, expires = excluded.expires "
                "WHERE rank <= excluded.rank",
                *(path, _parent(path), entry.taskId, entry.rank, pack(entry.data), expires),
            )
            if changed:
                self._ensure_namespaces(_parent(path), expires)

    def _ensure_namespaces(self, namespace: str, expires: int) -> None:
        """Create the namespaces of a path, or extend them to the end of the day on which their content expires."""
        end_of_day = (expires // DAY + 1) * DAY
        while namespace:
            self._database.execute(
                "INSERT INTO namespaces VALUES (?, ?, ?) ON CONFLICT (path) DO UPDATE SET "
                "expires = max(expires, excluded.expires)",
                *(namespace, _parent(namespace), end_of_day),
            )
            namespace = _parent(namespace)

    def _load(self, path: str) -> Row:
        row = self._row(path)
        if row["expires"] <= self._clock.now():
            raise ResourceNotFound("Indexed task not found")
        return row

    def _row(self, path: str) -> Row:
        row = self._database.one("SELECT * FROM indexed_tasks WHERE path = ?", path)
        if row is None:
            raise ResourceNotFound("Indexed task not found")
        return row

    def _page(
        self, table: str, namespace: str, continuation_token: str | None = None, limit: int | None = None
    ) -> tuple[list[Row], dict[str, str]]:
        """Return a page of rows directly in a namespace, and the token of the next page, if there is one."""

        def fetch(after: list[str], count: int) -> list[Row]:
            sql = f"SELECT * FROM {table} WHERE parent = ? AND path > ? ORDER BY path LIMIT ?"  # noqa: S608 - ours
            return self._database.all(sql, namespace, *after, count)

        rows, token = page(fetch, lambda row: [row["path"]], start=[""], token=continuation_token, limit=limit)
        return rows, {"continuationToken": token} if token else {}


def _entry(task_id: str, definition: dict[str, Any]) -> InsertTask | None:
    """Return the index entry that a task's definition asks for; None if it is invalid, which is not reported."""
    options = definition["extra"].get("index")
    given = options if isinstance(options, dict) else {}
    fields = {"rank": 0, "data": {}, "expires": definition["expires"]}
    fields |= {name: given[name] for name in fields if name in given}
    try:
        entry = InsertTask.model_validate({"taskId": task_id, **fields})
    except ValidationError:
        return None
    return entry if float(entry.rank).is_integer() else None


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _task(row: Row) -> dict[str, Any]:
    return {
        "namespace": row["path"],
        "taskId": row["task_id"],
        "rank": row["rank"],
        "data": unpack(row["data"]),
        "expires": to_json(row["expires"]),
    }


def _namespace(row: Row) -> dict[str, Any]:
    return {
        "namespace": row["path"],
        "name": row["path"].rpartition(".")[2],
        "expires": to_json(row["expires"]),
    }
