#!/usr/bin/env bash
# The whole stack, deployed with `sam deploy` to an emulator of AWS on this machine.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/cloud.sh start ISSUER [URL] | stop ENDPOINT

  start  start an emulator, build and deploy the stack to it, and print the stack as
         JSON: endpoint and host of the API, its routes, the functions, the table, …
         ISSUER is the URL of an OpenID Connect provider on loopback with RSA keys;
         tokens are for the audience "segue". Clients use the API at URL, when that is
         not its own
  stop   stop the emulator at ENDPOINT, and the stack with it

environment:
  SEGUE_CACHE          folder for everything fetched or built (default: .cache)
  SEGUE_EMULATOR_PORT  port of the emulator, 0 for any free one (default: 4566)
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
home=${SEGUE_CACHE:-$here/.cache}

# quietly NAME COMMAND… prints what a command says only if it fails.
quietly() {
	local log=$home/cloud/$1.log
	shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		return 1
	fi
}

start() {
	local issuer=${1:?usage: scripts/cloud.sh start ISSUER [URL]} build=$home/cloud/build endpoint architecture
	architecture=Architecture=$(scripts/engine.sh arch)
	mkdir -p "$home/cloud"
	quietly build scripts/sam.sh exec build --build-dir "$build" --parameter-overrides "$architecture"
	# The emulator's SAM goes by the defaults of parameters, and has no CodeDeploy.
	awk '/^  [A-Za-z]+:$/ { gradual = $1 == "Gradual:" } gradual { sub(/Default: .*/, "Default: '\''false'\''") } { print }' \
		"$build/template.yaml" >"$build/emulated.yaml"
	endpoint=$(scripts/emulator.sh start)
	# Credentials that no account has: nothing here may reach one.
	export AWS_ENDPOINT_URL=$endpoint AWS_ACCESS_KEY_ID=segue AWS_SECRET_ACCESS_KEY=segue AWS_DEFAULT_REGION=us-east-1
	if ! quietly deploy scripts/sam.sh exec deploy --template-file "$build/emulated.yaml" --stack-name segue \
		--resolve-s3 --capabilities CAPABILITY_IAM --no-confirm-changeset \
		--parameter-overrides "$architecture" Gradual=false JwtIssuer="$issuer" ${2:+PublicUrl="$2"} ||
		! "$home/emulator/venv/bin/python" scripts/cloud-api.py "$endpoint" segue; then
		scripts/emulator.sh stop "$endpoint"
		return 1
	fi
}

case ${1:-} in
start) start "${@:2}" ;;
stop) scripts/emulator.sh stop "${2:?usage: scripts/cloud.sh stop ENDPOINT}" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
