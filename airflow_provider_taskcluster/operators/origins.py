"""What the ids of the Taskcluster tasks of an Airflow task are derived from, the same in every try."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_taskcluster.operators.base import recorder_for_task, tries_before_clear

if TYPE_CHECKING:
    from airflow.providers.common.compat.sdk import Context

    from airflow_provider_taskcluster.tasks.task_ids import Origin


def origin_and_key(operator: Any, context: Context, lifetime: timedelta) -> tuple[Origin, str]:
    """Return the identity of the Airflow task, without its tries, and the key of the ids.

    :param operator: The operator, with its ``hook`` and ``recorder``.
    :param lifetime: From now to the deadline of the tasks: a key that is kept is needed until then.
    """
    from airflow_provider_taskcluster.tasks.task_ids import Origin, stable_key
    from airflow_provider_taskcluster.transfer.upload.recorder import recorder_for

    instance = context["ti"]
    origin = Origin(
        operator.hook.settings.root_url,
        instance.dag_id,
        instance.run_id,
        operator.task_id,
        -1 if instance.map_index is None else instance.map_index,
        max(0, tries_before_clear(operator, context)),
    )
    recorder = recorder_for(recorder_for_task(operator.recorder, context))
    until = datetime.now(UTC) + lifetime + timedelta(days=1)
    return origin, stable_key(operator.hook.settings.upload_key, origin, recorder, until)
