#!/usr/bin/env bash
# The HTTP API with every function in a container: `sam local start-api` in the
# background.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/api.sh start [port] | stop

  start  build, start it and wait until it accepts connections; does nothing when it runs
         already (default port: 3000)
  stop   stop the one that `start` started; no other

The environment is that of scripts/sam-local.sh.
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${SEGUE_CACHE:-$here/.cache}/sam-local
pidfile=$home/api.pid
log=$home/api.log

die() {
	echo "api.sh: $*" >&2
	exit 1
}

say() { echo "api.sh: $*" >&2; }

# ours tells whether the process in the pid file is a `sam local` of this folder.
ours() { [[ -s $pidfile ]] && ps -o args= -p "$(<"$pidfile")" 2>/dev/null | grep -q 'start-api'; }

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

start() {
	local port=${1:-3000}
	if ours; then
		say "is already running"
		return
	fi
	! listening "$port" || die "port $port is taken by another program"
	mkdir -p "$home"
	setsid "$here/scripts/sam-local.sh" start-api --port "$port" --warm-containers LAZY \
		>"$log" 2>&1 </dev/null &
	echo $! >"$pidfile"
	# Everything may have to be fetched and built first.
	local tries=1200
	until listening "$port"; do
		ours || die "it ended; the end of its log:
$(tail -n 20 "$log")"
		((tries-- > 0)) || die "no connection after 10 minutes; see $log"
		sleep 0.5
	done
	say "listens on http://127.0.0.1:$port"
}

stop() {
	if ours; then
		local pid tries=120
		pid=$(<"$pidfile")
		kill -- "-$pid" # the session that setsid made, whatever it is busy with
		while ours; do
			((tries-- > 0)) || die "$pid does not stop"
			sleep 0.5
		done
	fi
	rm -f "$pidfile"
}

case ${1:-} in
start | stop) "$@" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
