"""Table of all API calls with their routes, bodies and the scopes that depend on the URL."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.emulator.schemas.artifacts import CreateArtifact, FinishArtifact
from airflow_provider_taskcluster.emulator.schemas.index import IndexPaths, InsertTask
from airflow_provider_taskcluster.emulator.schemas.objects import CreateUpload, FinishUpload, StartDownload
from airflow_provider_taskcluster.emulator.schemas.purge_cache import PurgeCache
from airflow_provider_taskcluster.emulator.schemas.tasks import (
    ChangePriority,
    ClaimWork,
    CreateTask,
    ReportException,
    TaskIds,
)

from .operation import Operation, declare
from .side_table import PAGES, side_operations

if TYPE_CHECKING:
    from airflow_provider_taskcluster.emulator.services import Services

SERVICES = ("auth", "index", "object", "queue", "purge-cache", "secrets", "notify", "hooks")

TASK = "/task/{taskId}"
RUN = TASK + "/runs/{runId}"
READ = ("object:download:{name}",)
CREATE = ("queue:create-artifact:{taskId}/{runId}",)
DEPENDENTS = ("queue:list-dependent-tasks:{taskId}",)
COUNTS = ("queue:pending-count:{taskQueueId}", "queue:claimed-count:{taskQueueId}")
LIST_RUN = ("queue:list-artifacts:{taskId}:{runId}",)
LIST_LATEST = ("queue:list-artifacts:{taskId}",)
RESOLVE = ("queue:resolve-task:{taskId}/{runId}",)


def operations(services: Services) -> list[Operation]:
    """Return all calls, in the order in which their routes are tried."""
    return [
        *(Operation(name, "ping", "GET", "/ping") for name in SERVICES),
        *_objects(services),
        *_tasks(services),
        *_task_groups(services),
        *_runs(services),
        *_artifacts(services),
        *_index(services),
        *_purge_cache(services),
        *side_operations(services),
    ]


def _objects(services: Services) -> list[Operation]:
    op = partial(declare, "object")
    s = services.objects
    return [
        op("createUpload", "PUT /upload/{name:path}", s.create_upload, CreateUpload),
        op("finishUpload", "POST /finish-upload/{name:path}", s.finish_upload, FinishUpload),
        op("startDownload", "PUT /start-download/{name:path}", s.start_download, StartDownload, scopes=READ),
        op("object", "GET /metadata/{name:path}", s.metadata, scopes=READ),
        op("download", "GET /download/{name:path}", s.download, scopes=READ),
    ]


def _tasks(services: Services) -> list[Operation]:
    op = partial(declare, "queue")
    s, t = services.scheduling, services.tasks
    return [
        op("tasks", "POST /tasks", t.tasks, TaskIds, query=PAGES),
        op("statuses", "POST /tasks/status", t.statuses, TaskIds, query=PAGES),
        op("createTask", f"PUT {TASK}", services.creation.create_task, CreateTask),
        op("task", f"GET {TASK}", t.task, scopes=("queue:get-task:{taskId}",)),
        op("status", f"GET {TASK}/status", t.status, scopes=("queue:status:{taskId}",)),
        op("scheduleTask", f"POST {TASK}/schedule", s.schedule_task),
        op("rerunTask", f"POST {TASK}/rerun", s.rerun_task),
        op("cancelTask", f"POST {TASK}/cancel", s.cancel_task),
        op("changeTaskPriority", f"POST {TASK}/priority", s.change_task_priority, ChangePriority),
        op("listDependentTasks", f"GET {TASK}/dependents", t.list_dependent_tasks, query=PAGES, scopes=DEPENDENTS),
        op("taskQueueCounts", "GET /task-queues/{taskQueueId:path}/counts", t.counts, scopes=COUNTS),
    ]


def _task_groups(services: Services) -> list[Operation]:
    op = partial(declare, "queue")
    s = services.groups
    group, read = "/task-group/{taskGroupId}", ("queue:list-task-group:{taskGroupId}",)
    return [
        op("listTaskGroup", f"GET {group}/list", s.list_task_group, query=PAGES, scopes=read),
        op("getTaskGroup", f"GET {group}", s.get_task_group, scopes=read),
        op("cancelTaskGroup", f"POST {group}/cancel", s.cancel_task_group),
        op("changeTaskGroupPriority", f"POST {group}/priority", s.change_task_group_priority, ChangePriority),
        op("sealTaskGroup", f"POST {group}/seal", s.seal_task_group),
    ]


def _runs(services: Services) -> list[Operation]:
    op = partial(declare, "queue")
    r = services.runs
    reclaim = ("queue:reclaim-task:{taskId}/{runId}",)
    return [
        op("claimWork", "POST /claim-work/{taskQueueId:path}", r.claim_work, ClaimWork),
        op("reclaimTask", f"POST {RUN}/reclaim", r.reclaim_task, scopes=reclaim),
        op("reportCompleted", f"POST {RUN}/completed", r.report_completed, scopes=RESOLVE),
        op("reportFailed", f"POST {RUN}/failed", r.report_failed, scopes=RESOLVE),
        op("reportException", f"POST {RUN}/exception", r.report_exception, ReportException, scopes=RESOLVE),
    ]


def _index(services: Services) -> list[Operation]:
    op = partial(declare, "index")
    s = services.index
    tasks, spaces = "index:list-tasks:", "index:list-namespaces:"
    artifact = "GET /task/{indexPath}/artifacts/{name:path}"
    return [
        op("findTask", "GET /task/{indexPath}", s.find_task, scopes=("index:find-task:{indexPath}",)),
        op("findTasksAtIndex", "POST /tasks/indexes", s.find_tasks, IndexPaths, query=PAGES),
        op("insertTask", "PUT /task/{namespace}", s.insert_task, InsertTask, scopes=("index:insert-task:{namespace}",)),
        op("deleteTask", "DELETE /task/{namespace}", s.delete_task, scopes=("index:delete-task:{namespace}",)),
        op("listTasks", "GET /tasks", s.list_tasks, query=PAGES, scopes=(tasks,)),
        op("listTasks", "GET /tasks/{namespace}", s.list_tasks, query=PAGES, scopes=(tasks + "{namespace}",)),
        op("listNamespaces", "GET /namespaces", s.list_namespaces, query=PAGES, scopes=(spaces,)),
        op(
            "listNamespaces",
            "GET /namespaces/{namespace}",
            s.list_namespaces,
            query=PAGES,
            scopes=(spaces + "{namespace}",),
        ),
        op("findArtifactFromTask", artifact, s.find_artifact_from_task, scopes=("queue:get-artifact:{name}",)),
    ]


def _artifacts(services: Services) -> list[Operation]:
    op = partial(declare, "queue")
    a, c = services.artifacts, services.contents
    one, last = f"{RUN}/artifacts", f"{TASK}/artifacts"
    return [
        op("listArtifacts", f"GET {one}", a.list_artifacts, query=PAGES, scopes=LIST_RUN),
        op("listLatestArtifacts", f"GET {last}", a.list_latest_artifacts, query=PAGES, scopes=LIST_LATEST),
        op("createArtifact", f"POST {one}/{{name:path}}", a.create_artifact, CreateArtifact, scopes=CREATE),
        op("finishArtifact", f"PUT {one}/{{name:path}}", a.finish_artifact, FinishArtifact, scopes=CREATE),
        op("getArtifact", f"GET {one}/{{name:path}}", c.get_artifact),
        op("getLatestArtifact", f"GET {last}/{{name:path}}", c.get_latest_artifact),
        op("artifactInfo", f"GET {RUN}/artifact-info/{{name:path}}", a.artifact_info, scopes=LIST_RUN),
        op(
            "latestArtifactInfo",
            f"GET {TASK}/artifact-info/{{name:path}}",
            a.latest_artifact_info,
            scopes=LIST_LATEST,
        ),
        op("artifact", f"GET {RUN}/artifact-content/{{name:path}}", c.artifact),
        op("latestArtifact", f"GET {TASK}/artifact-content/{{name:path}}", c.latest_artifact),
    ]


def _purge_cache(services: Services) -> list[Operation]:
    op = partial(declare, "purge-cache")
    s = services.purge_cache
    pool = "/purge-cache/{workerPoolId:path}"
    every = ("purge-cache:all-purge-requests",)
    own = ("purge-cache:purge-requests::{workerPoolId}",)
    return [
        op("allPurgeRequests", "GET /purge-cache/list", s.all_purge_requests, query=PAGES, scopes=every),
        op("purgeCache", f"POST {pool}", s.purge_cache, PurgeCache),
        op("purgeRequests", f"GET {pool}", s.purge_requests, query=("since",), scopes=own),
    ]
