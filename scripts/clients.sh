#!/usr/bin/env bash
# Unmodified clients of Dataverse and of OData against a running Segue.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: SEGUE_URL=… SEGUE_TOKEN=… scripts/clients.sh [CLIENT…]

  Installs the clients that tests/clients pins, has each go through its scenario and
  prints a line for it: how many of its steps passed, and how many there are. Fails
  unless all pass. With an address that is http it leaves out the clients that know
  nothing but https. The table needs one active sequence for leads.

environment:
  SEGUE_URL      the URL of Segue, for example http://127.0.0.1:8080
  SEGUE_TOKEN    a bearer token of a caller who may create, connect and delete
  SEGUE_CA       with https: the file of the certificate that the server shows
  SEGUE_GATEWAY  set when a gateway checks tokens before Segue sees them
  SEGUE_CACHE    where the client for Python is installed (default: .cache)
USAGE
}

if [[ -z ${SEGUE_URL:-} || -z ${SEGUE_TOKEN:-} || ${1:-} == -* ]]; then
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
failed=0
NODE_EXTRA_CA_CERTS=${SEGUE_CA:-} node run.mjs "$@" || failed=1 # it leaves out names that it does not know
if [[ $SEGUE_URL == https:* && ($# -eq 0 || " $* " == *' dataverse-sdk '*) ]]; then
	sdk=${SEGUE_CACHE:-$here/.cache}/dataverse-sdk
	"$here/scripts/venv.sh" "$sdk" "$here/tests/clients/dataverse-sdk.txt"
	REQUESTS_CA_BUNDLE=${SEGUE_CA:-} "$sdk/bin/python" dataverse_sdk.py || failed=1
fi
exit $failed
