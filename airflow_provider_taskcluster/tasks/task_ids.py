"""The ids of the tasks that one Airflow task starts, the same in every try, so that a retry finds the task.

With a stable key (the connection's ``upload_secret``, or permanent credentials) every try derives the same ids. Without
one, a recorder keeps a random key before the first call. Without a recorder either, the log says what a retry does.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

from airflow_provider_taskcluster.common.slugids import derived_slugid
from airflow_provider_taskcluster.transfer.upload import recorder as records
from airflow_provider_taskcluster.transfer.upload.recorder import UploadRecord
from airflow_provider_taskcluster.transfer.upload.upload_id import milliseconds

if TYPE_CHECKING:
    from datetime import datetime

    from airflow_provider_taskcluster.transfer.upload.recorder import Recorder

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Origin:
    """The Airflow task instance that starts a task, without its tries.

    :param root_url: Root URL of the deployment.
    :param map_index: -1 if the Airflow task is not mapped.
    :param clear: Number of tries before the last clear: 0 until a user clears the task, then another number.
    """

    root_url: str
    dag_id: str
    run_id: str
    task_id: str
    map_index: int
    clear: int


def derived_task_id(key: str, origin: Origin, attempt: int) -> str:
    """Return the id of one attempt.

    :param attempt: 0 for the first task; a task that replaces one has the next number.
    """
    return derived_slugid(key, "taskId/1", *map(str, astuple(origin)), str(attempt))


def derived_group_id(key: str, origin: Origin, attempt: int) -> str:
    """Return the id of the task group of one attempt.

    :param attempt: 0 for the first group; a group that replaces one has the next number.
    """
    return derived_slugid(key, "taskGroupId/1", *map(str, astuple(origin)), str(attempt))


def derived_label_id(key: str, task_group_id: str, label: str) -> str:
    """Return the id of the task of a label in a group."""
    return derived_slugid(key, "taskId of label/1", task_group_id, label)


def stable_key(key: str | None, origin: Origin, recorder: Recorder | None, expires: datetime) -> str:
    """Return the key of the ids: the given one, else one that is kept, else a random one.

    :param key: A secret that all tries share; None if there is none.
    :param recorder: Where a random key is kept, and found by the next try.
    :param expires: Until when it is kept.
    """
    if key:
        return key
    name = "\n".join(("task", *map(str, astuple(origin)[1:])))
    new = UploadRecord(origin.root_url, "", name, milliseconds(expires), 0, "", key=secrets.token_urlsafe(32))
    kept = records.load(recorder, new.slot) or records.save_first(recorder, new)
    if recorder is None:
        log.warning(
            "Without an upload_secret, permanent credentials or a recorder the id of the task is random: if this try "
            "dies, the next one creates a second task"
        )
    return str(kept.key)
