#!/usr/bin/env bash
# One function, once, in a container: `sam local invoke` with its event.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"

usage() {
	cat <<USAGE
usage: scripts/invoke.sh FUNCTION [ROLE]

  Runs the function with events/FUNCTION.json, as a caller with that role
  (default: Sales Manager), and prints its response. The environment is that of
  scripts/sam-local.sh. Functions: $(cd events && echo *.json | sed 's/\.json//g')
USAGE
}

name=${1:-}
if [[ $name == -h || $name == --help || $name == help ]]; then
	usage
	exit
fi
if [[ ! $name =~ ^[a-z]+$ || ! -f events/$name.json ]]; then
	usage >&2
	exit 2
fi
segue=(go run ./cmd/segue)
if [[ -n ${SEGUE_BUILD:-} ]]; then
	segue=("$SEGUE_BUILD/segue")
fi
token=$("${segue[@]}" token --data "${SEGUE_DATA:-data}" --role "${2:-Sales Manager}")
sed "s|Bearer TOKEN|Bearer $token|" "events/$name.json" |
	scripts/sam-local.sh invoke "${name^}Function" --event -
echo
