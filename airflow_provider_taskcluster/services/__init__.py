"""Taskcluster's JSON APIs: credentials, calls, errors. Knows nothing of Airflow."""
