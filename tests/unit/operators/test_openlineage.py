from __future__ import annotations

from openlineage.client.generated.external_query_run import ExternalQueryRunFacet

from airflow_provider_taskcluster.operators.openlineage import task_facets


def test_the_facet_has_the_id_of_the_task_and_its_page():
    facets = task_facets("XOI-bsOZTiuBZ19rDnrBAA", "https://tc.example.com/tasks/XOI-bsOZTiuBZ19rDnrBAA")
    (facet,) = facets.values()
    assert isinstance(facet, ExternalQueryRunFacet)
    assert (list(facets), facet.externalQueryId) == (["externalQuery"], "XOI-bsOZTiuBZ19rDnrBAA")
    assert facet.source == "https://tc.example.com/tasks/XOI-bsOZTiuBZ19rDnrBAA"
