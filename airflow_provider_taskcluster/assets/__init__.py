"""Objects and artifacts as assets (datasets in Airflow 2): URIs, events and lineage."""
