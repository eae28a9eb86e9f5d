#!/usr/bin/env bash
# The AWS CLI, of one version, in a virtual environment of its own: for the runbooks of
# docs/operations.md on the emulator.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/aws.sh install

  install  put the AWS CLI into $SEGUE_CACHE/aws (default: .cache/aws) and print the
           folder of its command; nothing is installed when that version is there
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${SEGUE_CACHE:-$here/.cache}/aws

case ${1:-} in
install)
	"$here/scripts/venv.sh" "$venv" "$here/scripts/aws.txt"
	echo "$venv/bin"
	;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
