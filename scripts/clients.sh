#!/usr/bin/env bash
# Unmodified Dataverse clients, from npm, against a running Segue.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: SEGUE_URL=… SEGUE_TOKEN=… scripts/clients.sh

  Installs the clients that tests/clients pins and runs its tests. The table
  needs one active sequence for leads that can be connected.

environment:
  SEGUE_URL      the URL of Segue, for example http://127.0.0.1:8080
  SEGUE_TOKEN    a bearer token of a caller who may create, connect and delete
  SEGUE_GATEWAY  set when a gateway checks tokens before Segue sees them
USAGE
}

if [[ -z ${SEGUE_URL:-} || -z ${SEGUE_TOKEN:-} || $# -gt 0 ]]; then
	usage >&2
	exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here/tests/clients"
if ! command -v npm >/dev/null; then
	if ! command -v apt-get >/dev/null || ((EUID != 0)); then
		echo 'clients.sh: node and npm are missing: install Node 18 or later' >&2
		exit 1
	fi
	echo 'clients.sh: installing nodejs and npm' >&2
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends nodejs npm >/dev/null
fi
if ! cmp -s package-lock.json node_modules/.installed; then
	npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2
	cp package-lock.json node_modules/.installed
fi
exec npm test --silent
