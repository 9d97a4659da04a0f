#!/bin/sh
# Creates a virtual environment with Celery in front of that of an Airflow line, which does not change:
# celery.sh FOLDER BASE. Only what constraints/celery.txt lists is installed, in a few seconds.
set -eu
folder=$1
base=$2
echo "Installing Celery into $folder, in front of $base"
unset VIRTUAL_ENV PYTHONHOME CONDA_PREFIX

packages() {
    "$1/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'
}

"$base/bin/uv" venv --quiet --clear --python "$base/bin/python" "$folder"
"$base/bin/uv" pip install --quiet --python "$folder/bin/python" --no-deps --compile-bytecode \
    --requirements constraints/celery.txt
echo "import site; site.addsitedir('$(packages "$base")')" >"$(packages "$folder")/base.pth"
printf '#!%s/bin/python\nfrom airflow.__main__ import main\nmain()\n' "$PWD/$folder" >"$folder/bin/airflow"
chmod +x "$folder/bin/airflow"
