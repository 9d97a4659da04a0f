"""Objects and artifacts as assets (datasets in Airflow 2): their URIs, events and lineage."""
