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

# What Celery needs besides, on both lines. Airflow's provider 3.26 does not load with Celery 5.7; asyncpg is what
# Airflow 3 uses PostgreSQL by.
printf '%s\n' apache-airflow==3.3.2 apache-airflow-providers-celery 'celery[redis]<5.7' asyncpg |
    .venv/bin/uv pip compile --quiet --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
        --python-version 3.11 --constraint constraints/airflow-3.3.txt - |
    grep -v -x -F -f constraints/airflow-3.3.txt >constraints/celery.txt
