#!/usr/bin/env bash
# Print one markdown table of what the embedded store does at several sizes, with its
# fsync, all in one run: internal/sales, BenchmarkSize, and of what a backfill does that is
# killed twice, compared with one that is not: internal/sales/backfill, BenchmarkBackfill. A
# million leads take some ten minutes and 8 GB of disk. Nothing else is asserted.
set -euo pipefail

if [[ ${1:-} == -h || ${1:-} == --help ]]; then
	echo 'usage: scripts/bench-million.sh [leads …]   (default 5000 100000 1000000)'
	exit
fi
cd "$(dirname "${BASH_SOURCE[0]}")/.."
dir=${SEGUE_CACHE:-$PWD/.cache}/bench # on a disk, where a temporary folder may be memory
mkdir -p "$dir"
export SEGUE_BENCH_DIR=$dir SEGUE_BENCH_LEADS=${*:-5000 100000 1000000}

{
	go test -run '^$' -count=1 -bench '^BenchmarkSize$' -benchtime 1x -timeout 60m ./internal/sales
	go test -run '^$' -count=1 -bench '^BenchmarkBackfill$' -benchtime 1x -timeout 60m -v ./internal/sales/backfill
} | awk '
	/^cpu:/ { cpu = substr($0, 6) }
	/tasks, [0-9]+ leads/ { print > "/dev/stderr" } # how far the backfill is
	/^Benchmark(Size|Backfill)\// {
		split($1, name, /[\/-]/)
		if (!(name[2] in place)) { sizes[++n] = name[2]; place[name[2]] = n }
		for (i = 3; i < NF; i += 2) value[place[name[2]], $(i + 1)] = $i
	}
	/^(---|FAIL|panic)/ { print > "/dev/stderr"; failed = 1 }
	function row(what, unit, format, limit,   i, line) {
		line = "| " what " |"
		for (i = 1; i <= n; i++) line = line sprintf(" " format " |", value[i, unit])
		print line " " limit " |"
	}
	END {
		head = "| leads |"; rule = "|---|"
		for (i = 1; i <= n; i++) { head = head " " sizes[i] " |"; rule = rule "---|" }
		print head " what limits it |"
		print rule "---|"
		row("creates/s, 16 callers, each evaluated", "creates/s", "%.0f", "the processors: rules, encoding, evaluation")
		row("connects/s, 16 callers, each followed", "connects/s", "%.0f", "the processors; three rows a connection")
		row("evaluated changes/s, each into a segment, a connection and a step", "evaluated/s", "%.0f", "the processors; 16 changes at a time share an fsync")
		row("fresh after, one caller, p50 ms", "ms-p50-alone", "%.1f", "the fsync of the create")
		row("p99 ms", "ms-p99-alone", "%.1f", "the fsync beside other work of the disk")
		row("fresh after, beside the 16, p50 ms", "ms-p50-beside", "%.1f", "the batch that is being followed")
		row("p99 ms", "ms-p99-beside", "%.1f", "checkpoints, which share the disk and the processors")
		row("data MB", "MB-data", "%.0f", "")
		row("file MB", "MB-file", "%.0f", "pages two thirds full, and those that a checkpoint needs")
		row("of it after `segue compact`, %", "%-compact", "%.0f", "")
		row("time of that s", "s-compact", "%.1f", "all of it is written once")
		row("start s", "s-start", "%.2f", "the definitions")
		row("start after a crash s", "s-crash", "%.2f", "what the tables do not have is read from the journal, 64 to 128 MB at most")
		row("memory MB", "MB-memory", "%.0f", "changes that the tables do not have, 128 MB of records at most, and the pages of a checkpoint")
		row("backfill: leads/s, one in ten moved and connected", "backfilled/s", "%.0f", "the evaluation of what moves; what stays is read once")
		row("time of that s", "clean-s", "%.1f", "")
		row("killed twice, starts included, s", "killed-s", "%.1f", "a kill costs ten seconds of work at most; the same end state")
		row("heap of its process, at most, MB", "MB-heap", "%.0f", "")
		row("heap of one that only writes as much, at most, MB", "MB-heap-store", "%.0f", "changes that the tables do not have")
		print "\n" cpu
		exit failed
	}'
