"""Tasks that a DAG follows: their logs, live and from the store."""
