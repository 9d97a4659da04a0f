"""Links from a task instance in Airflow's UI to what it is about in Taskcluster's: one module per service."""
