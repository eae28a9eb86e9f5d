#!/usr/bin/env bash
# The emulator of AWS, ministack: the DynamoDB of the contract suite and of
# `sam local`. It keeps everything in memory, so stopping it empties it.
# docs/decisions/0005-emulator.md gives the reasons for this one.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/emulator.sh install | start [HOST] | stop [ENDPOINT]

  install  put what emulator.txt pins into $SEGUE_CACHE/emulator; nothing
           happens when it is there
  start    install, start it in the background, wait until it responds and print
           its endpoint; one that `start` has started before is used again.
           HOST is the address to listen on (default: 127.0.0.1), or `bridge`
           for the one that containers reach as well
  stop     stop the one at ENDPOINT, or all of this checkout; none that `start`
           did not start

environment:
  SEGUE_CACHE          folder for everything fetched or built (default: .cache)
  SEGUE_EMULATOR_PORT  port to listen on, 0 for any free one (default: 4566)
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${SEGUE_CACHE:-$here/.cache}/emulator
venv=$home/venv

die() {
	echo "emulator.sh: $*" >&2
	exit 1
}

install() { "$here/scripts/venv.sh" "$venv" "$here/scripts/emulator.txt"; }

# ours reports whether the process in a pid file is an emulator of this folder.
ours() { [[ -s $1 ]] && ps -o args= -p "$(<"$1")" 2>/dev/null | grep -qF -- "$venv/bin/ministack"; }

# healthy HOST PORT reports whether the emulator there takes requests.
healthy() (
	exec 3<>"/dev/tcp/$1/$2" || return 1
	printf 'GET /_ministack/health HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n' "$1" >&3
	read -r -t 5 line <&3 && [[ $line == 'HTTP/1.1 200'* ]]
) 2>/dev/null

# address turns `bridge` into the bridge's gateway. Docker Desktop forwards to
# the host's loopback itself, and its gateway is not an address of the host.
address() {
	if [[ $1 != bridge ]]; then
		echo "$1"
		return
	fi
	"$here/scripts/engine.sh" ensure
	local gateway
	gateway=$("$here/scripts/engine.sh" gateway)
	if [[ $gateway =~ ^[0-9.]+$ ]]; then
		echo "$gateway"
	else
		echo 127.0.0.1
	fi
}

# vacant HOST PORT prints a port that can be listened on: PORT, for 0 any.
vacant() {
	python3 - "$1" "$2" <<'PYTHON'
import socket, sys
host, port = sys.argv[1], int(sys.argv[2])
with socket.socket() as s:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind((host, port))
    except (OSError, OverflowError) as err:
        sys.exit(f"emulator.sh: {host}:{port}: {err}")
    print(s.getsockname()[1])
PYTHON
}

start() {
	local host port=${SEGUE_EMULATOR_PORT:-4566} file tries
	[[ $port =~ ^[0-9]{1,5}$ ]] || die "SEGUE_EMULATOR_PORT is \"$port\", want a number"
	host=$(address "${1:-127.0.0.1}")
	install
	if ! ours "$home/$host:$port.pid"; then
		port=$(vacant "$host" "$port") ||
			die "the process there was not started by this script: stop it, or set SEGUE_EMULATOR_PORT to another port"
		launch "$host" "$port" "$home/$host:$port.pid"
	fi
	file=$home/$host:$port.pid
	tries=120
	until healthy "$host" "$port"; do
		kill -0 "$(<"$file")" 2>/dev/null || die "it ended; the end of its log:
$(tail -n 5 "${file%.pid}.log")"
		if ((tries-- == 0)); then
			stop_one "$file"
			die "no response after 60 s; see $home/last.log"
		fi
		sleep 0.5
	done
	echo "http://$host:$port"
}

# launch HOST PORT PIDFILE gives it an environment of its own, so that it does
# the same on every machine. AWS_ENDPOINT_URL is what functions that it runs
# call back.
launch() {
	mkdir -p "$home/tmp"
	set -m # a process group of its own: Ctrl-C is for the command that uses it
	env -i PATH="$PATH" HOME="$home" TMPDIR="$home/tmp" \
		BIND_HOST="$1" GATEWAY_PORT="$2" AWS_ENDPOINT_URL="http://$1:$2" \
		"$venv/bin/python" "$venv/bin/ministack" >"${3%.pid}.log" 2>&1 </dev/null &
	set +m
	echo $! >"$3"
}

stop() {
	local file
	if [[ -n ${1:-} ]]; then
		stop_one "$home/${1#http://}.pid"
		return
	fi
	for file in "$home"/*.pid; do
		[[ ! -e $file ]] || stop_one "$file"
	done
}

stop_one() {
	local pid tries=40
	if ours "$1"; then
		pid=$(<"$1")
		kill "$pid"
		while ours "$1"; do
			((tries-- != 0)) || kill -9 "$pid"
			((tries > -20)) || die "process $pid does not end"
			sleep 0.25
		done
		mv "${1%.pid}.log" "$home/last.log"
	fi
	rm -f "$1"
}

case ${1:-} in
install | start | stop) "$@" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
