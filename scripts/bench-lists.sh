#!/usr/bin/env bash
# Print one markdown table of what lists of 100,000 leads cost, on the embedded store and
# on DynamoDB: the emulator, which is started if SEGUE_DYNAMODB_ENDPOINT names none. To
# fill that takes minutes. Nothing is asserted; requests and read units are counted.
set -euo pipefail

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
	echo 'usage: scripts/bench-lists.sh'
	exit
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
[[ -n ${SEGUE_DYNAMODB_ENDPOINT:-} ]] || exec scripts/with-emulator.sh scripts/bench-lists.sh "$@"

run() { go test -run '^$' -count=1 -bench "$1" -benchtime 1s -timeout 60m ./internal/query; }

{
	run '^BenchmarkEach$'
	run '^BenchmarkList$/^embedded$'
	run '^BenchmarkList$/^dynamodb$'
} | awk '
	BEGIN {
		print "| read | store | ms | requests | read units | µs a row |"
		print "|---|---|---|---|---|---|"
		fflush()
	}
	/^cpu:/ { cpu = substr($0, 6) }
	/^Benchmark/ {
		sub(/-[0-9]+$/, "", $1) # GOMAXPROCS
		split($1, name, "/")
		delete value
		for (i = 3; i < NF; i += 2)
			value[$(i + 1)] = $i
		store = name[2]
		what = name[3]
		if (name[1] == "BenchmarkEach") {
			what = "all of 20,000, none of which a filter holds for, in " (store == "memory" ? "memory" : "the file")
			store = "embedded"
		}
		gsub(/_/, " ", what)
		row = ("ns/row" in value) ? sprintf("%.2f", value["ns/row"] / 1000) : ""
		printf "| %s | %s | %.2f | %s | %s | %s |\n", what, store, value["ns/op"] / 1e6, value["requests"], value["read-units"], row
		fflush()
	}
	/^(---|FAIL|panic)|NOT RUN/ { print > "/dev/stderr"; failed = 1 }
	END {
		print "\n" cpu
		exit failed
	}'
