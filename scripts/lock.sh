#!/bin/sh
# Updates constraints/ to the newest compatible versions on each Airflow line. Run all tests afterwards.
set -eu
compile() {
    printf 'apache-airflow==%s\n' "$2" | .venv/bin/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url \
        --no-emit-find-links --python-version 3.11 - pyproject.toml --extra dev |
        grep -v '^airflow-provider-taskcluster' >"constraints/airflow-$1.txt"
}
compile 3.3 3.3.2
compile 2.11 2.11.2
