#!/usr/bin/env bash
# `sam local` with the real parts: the functions as SAM builds them, in containers,
# on the emulator, with tokens of the laptop's own issuer. invoke.sh and api.sh call
# it.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/sam-local.sh build | invoke FUNCTION [OPTION…] | start-api [OPTION…]

  build      build all functions, and the laptop program, and print the folder
  invoke     build the function (ConnectFunction, …) and run it once
  start-api  build all functions and serve the HTTP API

The options go to `sam local`. What is needed and missing is installed and
started: SAM, a container engine, the emulator, which stays until
`scripts/emulator.sh stop`.

environment:
  SEGUE_CACHE              folder for everything fetched or built (default: .cache)
  SEGUE_DATA               folder with the issuer's key (default: data)
  SEGUE_BUILD              folder that `build` printed, to run what is there as it is
  SEGUE_TABLE              name of the table (default: segue)
  SEGUE_DYNAMODB_ENDPOINT  a DynamoDB that host and containers reach (default:
                           the emulator on the container bridge)
  SEGUE_EMULATOR_PORT      port of the emulator (default: 4566)
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
home=${SEGUE_CACHE:-$here/.cache}/sam-local

# segue runs the laptop program, the built one where there is one.
segue() {
	if [[ -n ${SEGUE_BUILD:-} ]]; then
		"$SEGUE_BUILD/segue" "$@"
	else
		go run ./cmd/segue "$@"
	fi
}

# environment ENDPOINT writes the file that gives the functions what AWS would
# not: the issuer's keys and the way from a container to DynamoDB.
environment() {
	local keys
	keys=$(segue jwks --data "${SEGUE_DATA:-data}")
	mkdir -p "$home"
	python3 - "$keys" "$1" "${SEGUE_TABLE:-segue}" >"$home/env.json" <<'PYTHON'
import json, sys
keys, endpoint, table = sys.argv[1:]
print(json.dumps({"Parameters": {
    "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
    "SEGUE_JWKS": keys,
    "SEGUE_TABLE": table,
}}))
PYTHON
}

# from_container turns an endpoint on the host's loopback, which is what Docker
# Desktop forwards to, into the one that containers see.
from_container() {
	if [[ $1 =~ ^(https?://)(127\.0\.0\.1|localhost)(:.*)?$ ]]; then
		echo "${BASH_REMATCH[1]}$(scripts/engine.sh gateway)${BASH_REMATCH[3]}"
	else
		echo "$1"
	fi
}

# build builds a function, or all, for containers, and prints the folder.
build() {
	local folder=$home/${1:-all}
	mkdir -p "$home"
	scripts/sam.sh exec build ${1:+"$1"} --build-dir "$folder" \
		--parameter-overrides "Architecture=$(scripts/engine.sh arch)" >"$home/build.log" 2>&1 || {
		cat "$home/build.log" >&2
		return 1
	}
	# SAM gives a function only the variables that its template declares. On AWS
	# this one must be missing, not empty, so template.yaml does not declare it.
	awk '{ print } sub(/SEGUE_JWKS:.*/, "AWS_ENDPOINT_URL_DYNAMODB: none") { print }' \
		"$folder/template.yaml" >"$folder/local.yaml"
	echo "$folder"
}

# run builds, unless that is done, and starts: run COMMAND [FUNCTION] [OPTION…]
run() {
	local command=$1 function='' skip folder endpoint
	shift
	if [[ $command == invoke ]]; then
		function=${1:?usage: scripts/sam-local.sh invoke FUNCTION}
		shift
	fi
	scripts/engine.sh ensure
	endpoint=${SEGUE_DYNAMODB_ENDPOINT:-$(scripts/emulator.sh start bridge)}
	skip=$(scripts/engine.sh image)
	segue fixture --data "${SEGUE_DATA:-data}" \
		--endpoint "$endpoint" --dynamodb-table "${SEGUE_TABLE:-segue}"
	environment "$(from_container "$endpoint")"
	folder=${SEGUE_BUILD:-$(build "$function")}
	# Invalid credentials: nothing here may reach an AWS account. SAM would ask for
	# its number all the same, and wait seconds for an answer.
	AWS_ENDPOINT_URL_STS=http://127.0.0.1:9 AWS_MAX_ATTEMPTS=1 AWS_ACCESS_KEY_ID=segue AWS_SECRET_ACCESS_KEY=segue AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 \
		exec scripts/sam.sh exec local "$command" ${function:+"$function"} \
		--template "$folder/local.yaml" --env-vars "$home/env.json" \
		--parameter-overrides "Architecture=$(scripts/engine.sh arch)" ${skip:+"$skip"} "$@"
}

case ${1:-} in
build)
	build
	go build -o "$home/all/segue" ./cmd/segue
	;;
invoke | start-api) run "$@" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
