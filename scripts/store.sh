#!/usr/bin/env bash
# Run the store contract and the domain's tests on the DynamoDB that
# SEGUE_DYNAMODB_ENDPOINT names (scripts/with-emulator.sh).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
	echo 'usage: scripts/with-emulator.sh scripts/store.sh'
	exit
fi
: "${SEGUE_DYNAMODB_ENDPOINT:?no DynamoDB is named}"

# Long tests that bring an embedded store of their own.
embedded='^(TestSchedule|TestReplay|TestStopServerAtWork|TestKillServerDuringImport)$'

# The packages whose tests open a table, queue or bucket there. Those of the domain run
# without the race detector: they are the longest, and make test has raced them.
mapfile -t packages < <(grep -rl --include='*_test.go' dynamo/dynamotest cmd functions internal | xargs dirname | sort -u)
domain=()
others=()
for package in "${packages[@]}"; do
	case $package in
	internal/sales | internal/sales/*) domain+=("./$package") ;;
	*) others+=("./$package") ;;
	esac
done
go test -race -count=1 -v -skip "$embedded" "${others[@]}"
go test -count=1 -v -skip "$embedded" ./internal/sales/...
