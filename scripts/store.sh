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

# Long tests that bring an embedded store of their own. TestSchedule runs: make test, with
# the race detector, plays only a few of its schedules.
embedded='^(TestReplay|TestStopServerAtWork|TestKillServerDuringImport)$'

# The packages whose tests open a table, queue or bucket there. Only those that talk to AWS
# run with the race detector: make test has raced the others.
mapfile -t packages < <(grep -rl --include='*_test.go' dynamo/dynamotest cmd functions internal | xargs dirname | sort -u)
raced=()
others=()
for package in "${packages[@]}"; do
	case $package in
	internal/dynamo | internal/dynamo/* | internal/queue | internal/queue/*) raced+=("./$package") ;;
	internal/sales | internal/sales/*) ;;
	*) others+=("./$package") ;;
	esac
done
go test -race -count=1 -v -skip "$embedded" "${raced[@]}"
go test -count=1 -v -skip "$embedded" "${others[@]}" ./internal/sales/...
