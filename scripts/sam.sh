#!/usr/bin/env bash
# The AWS SAM CLI, of one version, in a virtual environment of its own.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/sam.sh install | exec ARGUMENT… | translate [PARAMETER=VALUE…]

  install    put aws-sam-cli into $SEGUE_CACHE/sam (default: .cache/sam); nothing
             happens when that version is there
  exec       install, then run `sam ARGUMENT…`
  translate  install, then print template.yaml as CloudFormation gets it, as JSON
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${SEGUE_CACHE:-$here/.cache}/sam

install() { "$here/scripts/venv.sh" "$venv" "$here/scripts/sam.txt"; }

# run replaces this process by sam. How Go is to build is said in functions/build, which
# template.yaml names, so that a bare `sam build` does the same.
run() {
	install
	export SAM_CLI_TELEMETRY=0
	exec "$venv/bin/sam" "$@"
}

case ${1:-} in
install) install ;;
exec)
	shift
	run "$@"
	;;
translate)
	install
	cd "$here"
	exec "$venv/bin/python" scripts/translate.py "${@:2}"
	;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
