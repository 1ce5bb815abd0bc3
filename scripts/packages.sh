#!/bin/bash
# packages.sh [--quiet] NAME...: install the Debian packages that are missing, if we are root on a system with apt.
# --quiet: they are optional; never fail.
set -uo pipefail
optional=0
if [ "${1-}" = --quiet ]; then optional=1; shift; fi
missing=()
for name in "$@"; do
    dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed' || missing+=("$name")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    [ $optional = 1 ] && exit 0
    echo "needs root: apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() { apt-get install -y --no-install-recommends "$@" >"$log" 2>&1; }
if install "${missing[@]}" || { apt-get update >"$log" 2>&1 && install "${missing[@]}"; }; then exit 0; fi
if [ $optional = 1 ]; then
    # One that this system lacks should not keep the others away.
    for name in "${missing[@]}"; do install "$name" || echo "not installed (optional): $name"; done
    exit 0
fi
tail -5 "$log" >&2
exit 1
