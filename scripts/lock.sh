#!/bin/sh
# Writes constraints/ anew: the newest versions that fit together on each Airflow line. Then run both test commands.
set -eu
compile() {
    printf 'apache-airflow==%s\n' "$2" | .venv/bin/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url \
        --no-emit-find-links --python-version 3.11 - pyproject.toml --extra dev |
        grep -v '^airflow-provider-taskcluster' >"constraints/airflow-$1.txt"
}
compile 3.3 3.3.2
compile 2.11 2.11.2
