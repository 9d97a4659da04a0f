"""Tasks that a DAG starts: their definition, identity, log and end."""
