#!/usr/bin/env bash
# DynamoDB Local, Amazon's own, for the contract suite and for `sam local`. It
# keeps everything in memory, so stopping it empties it.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/dynamodb-local.sh fetch | start [port] | stop [port] | status [port]

  fetch   download it with Maven, unless this version is there already
  start   fetch, start it in the background and wait until it answers; does
          nothing when it runs already (default port: 8000)
  stop    stop the one that `start` started on that port; no other
  status  say whether it answers; exit status 0 when it does

It has no option for the address to listen on and so listens on all of them:
containers reach it at their bridge's gateway, and so does a hostile network.

environment:
  SEGUE_CACHE  folder for everything fetched or built (default: .cache)
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${SEGUE_CACHE:-$here/.cache}/dynamodb-local
pom=$here/scripts/dynamodb-local.pom.xml

die() {
	echo "dynamodb-local.sh: $*" >&2
	exit 1
}

say() { echo "dynamodb-local.sh: $*" >&2; }

# need COMMAND PACKAGE makes sure that the command is there.
need() {
	command -v "$1" >/dev/null && return
	command -v apt-get >/dev/null || die "$1 is missing, and this is no Debian: install it by hand"
	((EUID == 0)) || die "$1 is missing: install $2, or run this as root"
	say "installing $2"
	apt-get -qq update >&2
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$2" >&2
}

# fetch replaces the whole folder and writes the stamp last, so that a
# download that was cut short is not taken for a whole one.
fetch() {
	cmp -s "$pom" "$home/lib/stamp" && return
	need java default-jre-headless
	need mvn maven
	say "downloading DynamoDB Local"
	rm -rf "${home:?}/lib"
	mkdir -p "$home/lib"
	mvn -q -B -f "$pom" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$home/lib" >&2 ||
		die "Maven could not download it"
	cp "$pom" "$home/lib/stamp"
}

# ours tells whether the process in the pid file is a DynamoDB Local of this folder.
ours() {
	[[ -s $pidfile ]] && ps -o args= -p "$(<"$pidfile")" 2>/dev/null | grep -qF -- "-cp $home/lib/*"
}

# answers tells whether something speaks HTTP on the port: DynamoDB answers an
# unsigned request with an error of its own.
answers() {
	local line
	{ exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
	printf 'GET / HTTP/1.0\r\n\r\n' >&3
	read -r -t 5 line <&3 || line=
	exec 3>&-
	[[ $line == HTTP/1.*400* ]]
}

start() {
	if ours && answers; then
		say "runs already on port $port"
		return
	fi
	! answers || die "port $port is taken by another program"
	fetch
	need java default-jre-headless
	cd "$home"
	nohup java -Djava.library.path="$home/lib" -cp "$home/lib/*" \
		software.amazon.dynamodb.services.local.main.ServerRunner \
		-inMemory -sharedDb -disableTelemetry -port "$port" >"$log" 2>&1 </dev/null &
	echo $! >"$pidfile"
	local tries=120
	until answers; do
		kill -0 "$!" 2>/dev/null || die "it ended at once; its last words: $(tail -n 3 "$log")"
		((tries-- > 0)) || die "no answer after 60 s; see $log"
		sleep 0.5
	done
	say "answers on http://127.0.0.1:$port"
}

stop() {
	if ! ours; then
		say "is not running on port $port"
		rm -f "$pidfile"
		return
	fi
	local pid
	pid=$(<"$pidfile")
	kill "$pid"
	local tries=40
	while ours; do
		((tries-- > 0)) || kill -9 "$pid"
		sleep 0.25
	done
	rm -f "$pidfile"
	say "stopped"
}

status() {
	answers || die "does not answer on port $port"
	say "answers on http://127.0.0.1:$port"
}

port=${2:-8000}
[[ $port =~ ^[0-9]{1,5}$ ]] || die "port $port is no number"
pidfile=$home/$port.pid
log=$home/$port.log
case ${1:-} in
fetch | start | stop | status) "$1" ;;
*)
	usage >&2
	exit 2
	;;
esac
