#!/bin/sh
# Runs pytest on both Airflow lines at the same time, one for each core: both_lines.sh PYTHON_33 PYTHON_211.
# What the first says is shown as it comes, what the second said when both are done; failed if one of them is.
set -u
cd "$(dirname "$0")/.."
log=test-output/airflow-2.11.log
mkdir -p test-output

"$2" -m pytest >"$log" 2>&1 &
second=$!
trap 'kill $second 2>/dev/null; exit 1' INT TERM
"$1" -m pytest
first=$?
wait $second
status=$?
echo "$2 -m pytest"
cat "$log"
exit $((first | status))
