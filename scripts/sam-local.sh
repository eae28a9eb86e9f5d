#!/usr/bin/env bash
# `sam local` for real: the functions as SAM builds them, in containers, on
# DynamoDB Local, with tokens of the laptop's own issuer. invoke.sh and api.sh
# are made of it.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/sam-local.sh invoke FUNCTION [OPTION…] | start-api [OPTION…]

  invoke     build the function (ConnectFunction, …) and run it once
  start-api  build all functions and serve the HTTP API

The options go to `sam local`. What is needed and missing is installed and
started: SAM, a container engine, DynamoDB Local.

environment:
  SEGUE_CACHE          folder for everything fetched or built (default: .cache)
  SEGUE_DATA           folder with the issuer's key (default: data)
  SEGUE_TABLE          name of the table (default: segue)
  SEGUE_DYNAMODB_PORT  port of DynamoDB Local (default: 8000)
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
home=${SEGUE_CACHE:-$here/.cache}/sam-local
port=${SEGUE_DYNAMODB_PORT:-8000}

# environment writes the file that gives the functions what AWS would not: the
# issuer's keys and the way from a container to DynamoDB Local.
environment() {
	local keys
	keys=$(go run ./cmd/segue jwks --data "${SEGUE_DATA:-data}")
	mkdir -p "$home"
	python3 - "$keys" "http://$(scripts/engine.sh gateway):$port" "${SEGUE_TABLE:-segue}" >"$home/env.json" <<'PYTHON'
import json, sys
keys, endpoint, table = sys.argv[1:]
print(json.dumps({"Parameters": {
    "AWS_ENDPOINT_URL_DYNAMODB": endpoint,
    "SEGUE_JWKS": keys,
    "SEGUE_TABLE": table,
}}))
PYTHON
}

# run builds and starts: run COMMAND [FUNCTION] [OPTION…]
run() {
	local command=$1 function='' skip build architecture
	shift
	if [[ $command == invoke ]]; then
		function=${1:?usage: scripts/sam-local.sh invoke FUNCTION}
		shift
	fi
	scripts/engine.sh ensure
	scripts/dynamodb-local.sh status "$port" 2>/dev/null || scripts/dynamodb-local.sh start "$port"
	skip=$(scripts/engine.sh image)
	go run ./cmd/segue fixture --data "${SEGUE_DATA:-data}" \
		--endpoint "http://127.0.0.1:$port" --dynamodb-table "${SEGUE_TABLE:-segue}"
	environment
	architecture=Architecture=$(scripts/engine.sh arch)
	build=$home/${function:-all}
	scripts/sam.sh exec build ${function:+"$function"} --build-dir "$build" \
		--parameter-overrides "$architecture" >"$home/build.log" 2>&1 || {
		cat "$home/build.log" >&2
		return 1
	}
	# Credentials of nobody: nothing here may reach an account.
	AWS_ACCESS_KEY_ID=segue AWS_SECRET_ACCESS_KEY=segue AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 \
		exec scripts/sam.sh exec local "$command" ${function:+"$function"} \
		--template "$build/template.yaml" --env-vars "$home/env.json" \
		--parameter-overrides "$architecture" ${skip:+"$skip"} "$@"
}

case ${1:-} in
invoke | start-api) run "$@" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
