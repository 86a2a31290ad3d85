#!/bin/sh
# Installs the system's packages that are missing (Debian, Ubuntu): QGIS with its Python, a virtual
# display, the compiler of translations, and Python's venv. Does nothing where they are there already.
set -eu

missing=""
need() { # command-or-check package
    eval "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need "command -v qgis" qgis
need "command -v qgis_process" qgis
need "/usr/bin/python3 -c 'import qgis.core'" python3-qgis
need "/usr/bin/python3 -c 'import venv, ensurepip'" python3-venv
need "command -v xvfb-run" xvfb
need "command -v xauth" xauth
need "command -v lrelease" qttools5-dev-tools
missing=$(printf '%s\n' $missing | sort -u | tr '\n' ' ')
[ -n "$(printf '%s' "$missing" | tr -d ' ')" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "Install QGIS 3.22 or newer with its Python (qgis_process), Python's venv and xvfb-run; this script knows only apt."
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo"
else
    echo "These packages are missing. Install them, then run make again:"
    echo "    sudo apt-get install --no-install-recommends $missing"
    exit 1
fi
echo "Installing: $missing(some minutes)"
log=$(mktemp)
# shellcheck disable=SC2086 # a list of packages, and perhaps no sudo
if ! { $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
    tail -n 30 "$log"
    echo "apt-get failed; all it said is in $log."
    exit 1
fi
rm -f "$log"
