#!/usr/bin/env bash
# Print one markdown table of Segue beside PocketBase, over HTTP on loopback, all in one
# run: tests/compare. The first time Go fetches and builds PocketBase into the cache
# folder, as a module of its own, which takes two minutes. Nothing is asserted.
set -euo pipefail

version=v0.30.0
if [[ ${1:-} == -h || ${1:-} == --help ]]; then
	echo 'usage: scripts/bench-pocketbase.sh'
	exit
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
cache=${SEGUE_CACHE:-$PWD/.cache}
programs=$cache/pocketbase-$version
mkdir -p "$programs" "$cache/bench"
if [[ ! -x $programs/base ]]; then
	echo "bench-pocketbase.sh: building PocketBase $version" >&2
	(cd "$programs" && GOBIN=$programs go install "github.com/pocketbase/pocketbase/examples/base@$version" >&2)
fi
go build -o "$programs/segue" ./cmd/segue
export SEGUE_POCKETBASE=$programs/base SEGUE_BINARY=$programs/segue SEGUE_BENCH_DIR=$cache/bench

go test -run '^$' -count=1 -bench '^BenchmarkPocketBase$' -benchtime 1x -timeout 15m ./tests/compare | awk '
	/^cpu:/ { cpu = substr($0, 6) }
	/^\|/ { print; fflush() }
	/^(---|FAIL|panic)|_test.go:/ { print > "/dev/stderr"; failed = 1 }
	END {
		print "\n" cpu
		exit failed
	}'
