"""A task that returns a result in each of its tries, one that reads the last, and a program that tests this DAG."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta

from airflow.providers.common.compat.sdk import dag, task


@dag(schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC), catchup=False)
def large_results():
    @task(retries=1, retry_delay=timedelta(0))
    def make(ti=None):
        ti.xcom_push("notes", f"of try {ti.try_number}")
        if ti.try_number == 1:
            raise RuntimeError("the first try fails")
        return {"rows": list(range(1_000))}

    @task
    def read(made, ti=None):
        assert sum(made["rows"]) == 499_500
        assert ti.xcom_pull("make", key="notes") != "of try 1"

    read(make())


made = large_results()

if __name__ == "__main__":
    sys.exit(str(made.test().state) != "success")
