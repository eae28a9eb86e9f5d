#!/usr/bin/env bash
# Run the benchmarks of internal/sales and print one markdown table. They run on
# the embedded store, with its fsync, and on DynamoDB: the emulator, which is
# started if SEGUE_DYNAMODB_ENDPOINT names none. Nothing is asserted.
set -euo pipefail

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
	echo 'usage: scripts/bench.sh [records]   (connected and evaluated on each store; default 500)'
	exit
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ -n ${SEGUE_DYNAMODB_ENDPOINT:-} ]] || exec scripts/with-emulator.sh scripts/bench.sh "$@"

run() { go test -run '^$' -count=1 -bench "$1" -benchtime "$2" ./internal/sales; }

{
	run 'Connect|Evaluate' "${1:-500}x"
	run 'Due' 3000x
	run 'Arrive' 500x
	run 'Decide' 2s
} | awk '
	BEGIN {
		print "| benchmark | store | result |"
		print "|---|---|---|"
	}
	/^cpu:/ { cpu = substr($0, 6) }
	/^Benchmark/ {
		sub(/-[0-9]+$/, "", $1) # GOMAXPROCS
		name = substr($1, 10)
		store = "none"
		if (match(name, /\/(embedded|dynamodb)$/)) {
			store = substr(name, RSTART + 1)
			name = substr(name, 1, RSTART - 1)
		}
		gsub(/_/, " ", name)
		sub(/\//, ", ", name)
		# Pairs of value and unit; a rate says more than its inverse.
		result = ""
		for (i = 3; i < NF; i += 2)
			if ($0 !~ /\/s$/ || $(i + 1) ~ /\/s$/)
				result = result (result == "" ? "" : ", ") $i " " $(i + 1)
		printf "| %s | %s | %s |\n", name, store, result
	}
	/^(---|FAIL|panic)|NOT RUN/ { print > "/dev/stderr"; failed = 1 }
	END {
		print "\n" cpu
		exit failed
	}'
