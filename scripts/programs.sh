#!/bin/sh
# Makes sure that programs are installed: programs.sh PROGRAM[:PACKAGE]...
# As root on Debian, installs the missing ones; otherwise says which packages to install.
# RUNLEVEL=1 keeps services that come with the packages from being started.
set -eu
# Debian keeps PostgreSQL's programs in a folder for each version.
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
