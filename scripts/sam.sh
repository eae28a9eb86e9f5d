#!/usr/bin/env bash
# The AWS SAM CLI, of one version, in a virtual environment of its own.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/sam.sh install | exec ARGUMENT…

  install  put aws-sam-cli into $SEGUE_CACHE/sam (default: .cache/sam); nothing
           happens when that version is there
  exec     install, then run `sam ARGUMENT…`, set up to build Go for Lambda
USAGE
}

version=1.170.0
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${SEGUE_CACHE:-$here/.cache}/sam
stamp=$venv/.version

die() {
	echo "sam.sh: $*" >&2
	exit 1
}

install() {
	if [[ -f $stamp && $(<"$stamp") == "$version" ]] && "$venv/bin/python" -c '' 2>/dev/null; then
		return
	fi
	if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
		command -v apt-get >/dev/null || die "python3 with venv is missing: install it by hand"
		((EUID == 0)) || die "python3-venv is missing: install it, or run this as root"
		apt-get -qq update
		DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends python3 python3-venv >/dev/null
	fi
	echo "sam.sh: installing aws-sam-cli $version" >&2
	rm -rf "$venv"
	python3 -m venv "$venv"
	"$venv/bin/pip" install --quiet --disable-pip-version-check "aws-sam-cli==$version" >&2
	echo "$version" >"$stamp"
}

# run replaces this process by sam. CGO stays off, or the binaries are linked
# against the host's C library and do not start in the container.
run() {
	install
	export SAM_CLI_TELEMETRY=0 CGO_ENABLED=0
	export GOFLAGS="-tags=lambda.norpc -trimpath -buildvcs=false '-ldflags=-s -w'"
	exec "$venv/bin/sam" "$@"
}

case ${1:-} in
install) install ;;
exec)
	shift
	run "$@"
	;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
