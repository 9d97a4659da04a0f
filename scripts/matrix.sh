#!/bin/sh
# Runs the tests on further Airflow lines and newer Pythons: matrix.sh [AIRFLOW-PYTHON]...
# Each combination gets an environment in .venv/matrix with the newest versions that fit, and a line in the summary.
# Combinations without an interpreter are listed as not run.
set -eu
cd "$(dirname "$0")/.."
uv=.venv/bin/uv
summary=test-output/matrix.txt
combinations=${*:-2.11.2-3.11 3.0.6-3.11 3.1.8-3.11 3.2.2-3.11 3.3.2-3.11 2.11.2-3.12 3.3.2-3.12 3.3.2-3.13}

# Requirements of lines that are older than changes in their dependencies, from the constraints of their time.
pins() {
    case $1 in
    3.0.*) echo "universal-pathlib<0.3 fastapi<0.117 apache-airflow-providers-fab" ;;
    3.1.*) echo "apache-airflow-providers-fab" ;; # form fields are those of FAB until 3.2
    # Its API does not load with newer fastapi (3.3 has this bound itself), and that of dag.test() not with newer svcs.
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

# Finds an interpreter of pyenv, which is not in PATH.
interpreter() {
    find "${PYENV_ROOT:-$HOME/.pyenv}/versions" -path "*/$1.*/bin/python" 2>/dev/null | sort | tail -n 1 | grep . || echo "$1"
}

mkdir -p test-output
: >"$summary"
for combination in $combinations; do
    run "$combination" | tee -a "$summary"
done
! grep -q FAILED "$summary"
