#!/usr/bin/env bash
# A container engine and the Lambda base image, which `sam local` needs. An
# engine that is there already is used and left alone; only on a bare Debian,
# as root, one is installed and started.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/engine.sh ensure | stop | image | gateway | arch

  ensure   make sure that `docker info` works: use the engine that runs, else
           (Debian, root) install docker.io and start dockerd in the background
  stop     stop the dockerd that `ensure` started; no other
  image    see to the base image of provided.al2023; prints the option that
           `sam local` needs for it: --skip-pull-image, or nothing
  gateway  print the host's address as containers see it
  arch     print this machine's architecture as Lambda names it

environment:
  SEGUE_CACHE    folder for everything fetched or built (default: .cache)
  SEGUE_OFFLINE  1: do not ask the image registry, build the stand-in image
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
home=${SEGUE_CACHE:-$here/.cache}/docker
pidfile=$home/dockerd.pid
log=$home/dockerd.log

die() {
	echo "engine.sh: $*" >&2
	exit 1
}

say() { echo "engine.sh: $*" >&2; }

works() { command -v docker >/dev/null && timeout 20 docker info >/dev/null 2>&1; }

# ours tells whether the process in the pid file is a dockerd of this folder.
ours() {
	[[ -s $pidfile ]] && tr '\0' ' ' <"/proc/$(<"$pidfile")/cmdline" 2>/dev/null | grep -qF -- "--data-root $home/data"
}

apt_install() {
	command -v apt-get >/dev/null || die "$* missing, and this is not Debian: install it by hand"
	((EUID == 0)) || die "$* missing: install it, or run this as root"
	say "installing $*"
	apt-get -qq update
	DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

# wait_for SECONDS COMMAND… runs the command every half second until it holds.
wait_for() {
	local tries=$(($1 * 2))
	shift
	until "$@"; do
		((tries-- > 0)) || return 1
		sleep 0.5
	done
}

ensure() {
	if works; then
		return
	fi
	if ! ours; then
		if ! command -v dockerd >/dev/null; then
			apt_install docker.io iptables
			# The package may have started the engine itself.
			if wait_for 3 works; then
				return
			fi
		fi
		((EUID == 0)) || die "no container engine responds: start one, or run this as root"
		mkdir -p "$home/data"
		rm -f "$pidfile"
		# No rule of the machine's firewall is touched: containers reach the
		# host over the bridge, and nothing else.
		setsid dockerd --iptables=false --ip6tables=false --data-root "$home/data" \
			--pidfile "$pidfile" >"$log" 2>&1 </dev/null &
	fi
	wait_for 60 works || die "dockerd does not respond; the end of $log:
$(tail -n 5 "$log")"
}

stop() {
	if ! ours; then
		return
	fi
	local pid
	pid=$(<"$pidfile")
	kill "$pid"
	wait_for 30 gone "$pid" || die "dockerd ($pid) does not stop"
	rm -f "$pidfile"
}

gone() { ! kill -0 "$1" 2>/dev/null; }

arch() {
	case $(uname -m) in
	x86_64 | amd64) echo x86_64 ;;
	aarch64 | arm64) echo arm64 ;;
	*) die "Lambda does not run on $(uname -m)" ;;
	esac
}

# image prints nothing if the registry responds: SAM pulls the image itself.
# Elsewhere it builds a stand-in under the same name. The functions are static
# binaries, so a root file system with busybox carries them.
image() {
	local name
	name=public.ecr.aws/lambda/provided:al2023-$(arch)
	if [[ ${SEGUE_OFFLINE:-0} != 1 ]] && timeout 15 docker manifest inspect "$name" >/dev/null 2>&1; then
		return
	fi
	if ! docker image inspect "$name" >/dev/null 2>&1; then
		say "no registry: building a stand-in for $name"
		stand_in "$name"
	fi
	echo --skip-pull-image
}

stand_in() {
	local fs
	if [[ ! -x /bin/busybox ]] || ldd /bin/busybox >/dev/null 2>&1; then
		apt_install busybox-static
	fi
	fs=$(mktemp -d)
	# shellcheck disable=SC2064 # the folder's name is wanted now
	trap "rm -rf '$fs'" EXIT
	mkdir -p "$fs"/{bin,etc/ssl/certs,tmp,opt,var/task,var/runtime}
	chmod 1777 "$fs/tmp"
	cp /bin/busybox "$fs/bin/"
	ln -s busybox "$fs/bin/sh"
	for tool in $(/bin/busybox --list); do
		[[ -e $fs/bin/$tool ]] || ln -s busybox "$fs/bin/$tool"
	done
	echo 'root:x:0:0:root:/tmp:/bin/sh' >"$fs/etc/passwd"
	if [[ -f /etc/ssl/certs/ca-certificates.crt ]]; then
		cp /etc/ssl/certs/ca-certificates.crt "$fs/etc/ssl/certs/"
	fi
	tar -C "$fs" -c . | docker import \
		--change 'WORKDIR /var/task' \
		--change 'ENV LAMBDA_TASK_ROOT=/var/task LAMBDA_RUNTIME_DIR=/var/runtime PATH=/bin' \
		- "$1" >&2
	# SAM would reuse its own image, which is built on an earlier base.
	docker image rm "${1/al2023-/al2023-rapid-}" >/dev/null 2>&1 || true
}

gateway() {
	if [[ $(docker info --format '{{.OperatingSystem}}') == 'Docker Desktop' ]]; then
		echo host.docker.internal
		return
	fi
	# A bridge that the engine has just made states its subnet alone; the gateway
	# is the first address of it.
	local address
	address=$(docker network inspect bridge --format '{{with index .IPAM.Config 0}}{{or .Gateway .Subnet}}{{end}}')
	if [[ $address == */* ]]; then
		address=${address%.*}.1
	fi
	echo "$address"
}

case ${1:-} in
ensure | stop | image | gateway | arch) "$1" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
