#!/bin/sh
# Runs the tests on Airflow lines between those of `make test`, and on newer Pythons: matrix.sh [AIRFLOW-PYTHON]...
# Each gets an environment of its own in .venv/matrix, of the newest versions that fit, and a line in the end with what
# passed. Interpreters that are not there are named as not run.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
summary=test-output/matrix.txt
combinations=${*:-2.11.2-3.11 3.0.6-3.11 3.1.8-3.11 3.2.2-3.11 3.3.2-3.11 2.11.2-3.12 3.3.2-3.12 3.3.2-3.13}

# What a line needs that was written before its dependencies changed: its own constraints of that time said so.
pins() {
    case $1 in
    3.0.*) echo "universal-pathlib<0.3 fastapi<0.117 apache-airflow-providers-fab" ;;
    3.1.*) echo "apache-airflow-providers-fab" ;; # form fields are those of FAB until 3.2
    # Its API does not load with newer fastapi (3.3 says this bound itself), and that of dag.test() loses newer svcs.
    3.2.*) echo "fastapi<0.137 cadwyn<8 svcs<26" ;;
    esac
}

locked() {
    for line in constraints/airflow-*.txt; do
        if grep -qx "apache-airflow==$1" "$line"; then echo "--constraint $line"; fi
    done
}

run() {
    airflow=${1%-*} python=${1##*-} folder=.venv/matrix/$1
    if ! $uv venv -q --clear --no-python-downloads --python "$(interpreter "$python")" "$folder" 2>/dev/null; then
        echo "$1: NOT RUN, there is no Python $python"
        return
    fi
    # shellcheck disable=SC2046 # several words
    $uv pip install -q --python "$folder/bin/python" $(locked "$airflow") "apache-airflow==$airflow" $(pins "$airflow") \
        --editable '.[dev]'
    log=test-output/matrix-$1.log
    if "$folder/bin/python" -m pytest -q tests/unit tests/integration tests/airflow >"$log" 2>&1; then failed=; else failed=" FAILED, see $log"; fi
    echo "$1: $(tail -n 1 "$log")$failed"
}

# pyenv keeps interpreters where no PATH leads.
interpreter() {
    find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path "*/$1.*/bin/python" 2>/dev/null | sort | tail -n 1 | grep . || echo "$1"
}

mkdir -p test-output
: >"$summary"
for combination in $combinations; do
    run "$combination" | tee -a "$summary"
done
! grep -q FAILED "$summary"
