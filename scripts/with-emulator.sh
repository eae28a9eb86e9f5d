#!/usr/bin/env bash
# Run a command with an empty emulator of its own, which ends with it. Where
# SEGUE_DYNAMODB_ENDPOINT is set the command gets that one and none is started.
set -euo pipefail

if [[ $# -eq 0 || $1 == -h || $1 == --help ]]; then
	echo 'usage: scripts/with-emulator.sh COMMAND [ARGUMENT…]   (port: SEGUE_EMULATOR_PORT, default any free one)' >&2
	exit 2
fi
if [[ -n ${SEGUE_DYNAMODB_ENDPOINT:-} ]]; then
	exec "$@"
fi
emulator=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/emulator.sh
endpoint=$(SEGUE_EMULATOR_PORT=${SEGUE_EMULATOR_PORT:-0} "$emulator" start)
trap '"$emulator" stop "$endpoint"' EXIT
SEGUE_DYNAMODB_ENDPOINT=$endpoint "$@"
