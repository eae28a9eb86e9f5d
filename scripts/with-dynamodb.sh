#!/usr/bin/env bash
# Run a command with DynamoDB Local beside it: with-dynamodb.sh COMMAND…
# One that is running is used and left running; else one is started and stopped.
set -euo pipefail

if [[ $# -eq 0 || $1 == -h || $1 == --help ]]; then
	echo 'usage: scripts/with-dynamodb.sh COMMAND [ARGUMENT…]   (port: SEGUE_DYNAMODB_PORT, default 8000)'
	exit 2
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
port=${SEGUE_DYNAMODB_PORT:-8000}
if ! scripts/dynamodb-local.sh status "$port" >/dev/null 2>&1; then
	scripts/dynamodb-local.sh start "$port" >&2
	trap 'scripts/dynamodb-local.sh stop "$port" >&2' EXIT
fi
SEGUE_DYNAMODB_ENDPOINT=http://127.0.0.1:$port "$@"
