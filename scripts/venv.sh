#!/usr/bin/env bash
# A Python virtual environment with what a requirements file lists. Nothing
# happens when it is there already.
set -euo pipefail

if [[ $# -ne 2 || $1 == -h ]]; then
	echo 'usage: scripts/venv.sh FOLDER REQUIREMENTS' >&2
	exit 2
fi
venv=$1
requirements=$2

die() {
	echo "venv.sh: $*" >&2
	exit 1
}

if cmp -s "$requirements" "$venv/.requirements" && "$venv/bin/python" -c '' 2>/dev/null; then
	exit
fi
if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
	command -v apt-get >/dev/null || die "python3 with venv is missing: install it by hand"
	((EUID == 0)) || die "python3-venv is missing: install it, or run this as root"
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3 python3-venv >/dev/null
fi
python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || die "$(python3 --version) is too old: 3.11 or later is needed"
echo "venv.sh: installing $(grep -m 1 -v '^#' "$requirements")" >&2
# The list is copied last: an installation that was cut short starts again.
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
cp "$requirements" "$venv/.requirements"
