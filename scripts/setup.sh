#!/bin/sh
# Creates a virtual environment with one Airflow line and this package: setup.sh FOLDER CONSTRAINTS
# As root on Debian, installs Python's venv module if it is missing; otherwise says which package to install.
set -eu
folder=$1
constraints=$2
echo "Installing $(basename "$constraints" .txt) and the development tools into $folder (half a minute)"
# An active virtual environment must not change where packages are installed.
unset VIRTUAL_ENV PYTHONHOME CONDA_PREFIX

find_python() {
    for candidate in ${PYTHON:-python3 python3.12 python3.11 python3.13}; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "No Python 3.11 or later found: install one, or name it with PYTHON=..." >&2
    exit 1
}

python=$(find_python)
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -q && apt-get install -q -y "python$version-venv"
    else
        echo "Python's venv module is missing: install the package python$version-venv" >&2
        exit 1
    fi
fi

[ -x "$folder/bin/python" ] || "$python" -m venv "$folder"
exec "$folder/bin/python" "$(dirname "$0")/install.py" "$constraints"
