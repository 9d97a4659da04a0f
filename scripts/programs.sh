#!/bin/sh
# Makes sure that programs are there: programs.sh PROGRAM[:PACKAGE]...
# Installs what is missing where the user is root and the system Debian's, and says what to install otherwise.
# Only programs are wanted: RUNLEVEL=1 keeps services that come with them from being started.
set -eu
# Debian keeps the programs of a database in a folder of its version.
PATH="$PATH:/usr/local/sbin:/usr/sbin:$(echo /usr/lib/postgresql/*/bin | tr ' ' :)"
missing=
for wanted in "$@"; do
    command -v "${wanted%%:*}" >/dev/null || missing="$missing ${wanted##*:}"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "Missing programs: install the packages$missing" >&2
    exit 1
fi
echo "Installing$missing" >&2
apt-get update -q >/dev/null
# shellcheck disable=SC2086 # several words
RUNLEVEL=1 apt-get install -q -y --no-install-recommends $missing >/dev/null
