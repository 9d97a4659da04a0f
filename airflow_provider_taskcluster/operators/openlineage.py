"""What OpenLineage is told of a Taskcluster task that an operator ran: its id, and its page as a query of outside."""

from __future__ import annotations

from typing import Any


def task_facets(task_id: str, page: str) -> dict[str, Any]:
    """Return the facets of the Airflow task's run.

    :param page: URL of the task's page.
    """
    from airflow.providers.common.compat.openlineage.facet import ExternalQueryRunFacet

    return {"externalQuery": ExternalQueryRunFacet(externalQueryId=task_id, source=page)}
