#!/usr/bin/env bash
# The whole stack, deployed with `sam deploy` to an emulator of AWS on this machine.
set -euo pipefail
shopt -s inherit_errexit

usage() {
	cat <<'USAGE'
usage: scripts/cloud.sh up | start [URL] | update ENDPOINT SOURCE [PARAMETER=VALUE…]
                        | token [ROLE…] | calls ENDPOINT FUNCTION | stop [ENDPOINT]

  up     start, and print how to talk to the stack; it stays until `stop`
  start  start an emulator with an OpenID Connect provider, build and deploy the stack
         to it, and print the stack as JSON: endpoint and host of the API, its routes,
         the functions, the table, …
         URL is that of the API for clients, when it is not its own
  update build what is in the folder SOURCE and deploy it to the stack at ENDPOINT, which
         keeps its parameters but for those given
  token  print a token for the stack (default role: Sales Manager)
  calls  print how often a function of the stack, named as in template.yaml, was called
  stop   stop the emulator at ENDPOINT, or the one of `up`, with its stack

environment:
  SEGUE_CACHE          folder for everything fetched or built (default: .cache)
  SEGUE_EMULATOR_PORT  port of the emulator, 0 for any free one (default: 4566)
  SEGUE_AUDIENCE       audience of the token (default: segue)
  SCHEMA, DROP         as for `make build` and `make deploy`
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
home=${SEGUE_CACHE:-$here/.cache}
running=$home/cloud/endpoint # of the stack that `up` has started

# quietly NAME COMMAND… prints what a command says only if it fails.
quietly() {
	local log=$home/cloud/$1.log
	shift
	if ! "$@" >"$log" 2>&1; then
		tail -n 30 "$log" >&2
		return 1
	fi
}

# python runs a script with what the emulator is installed with.
python() { "$home/emulator/venv/bin/python" "$@"; }

start() {
	local url=${1:-} endpoint issuer
	build "$here"
	endpoint=$(scripts/emulator.sh start)
	reach "$endpoint"
	if ! issuer=$(python scripts/cloud-issuer.py "$home/cloud/issuer" publish "$endpoint") ||
		! deploy JwtIssuer="$issuer" ${url:+PublicUrl="$url"} ||
		! { [[ -n $url ]] || deploy JwtIssuer="$issuer" PublicUrl="http://$(python scripts/cloud-api.py "$endpoint" segue host)"; } ||
		! python scripts/cloud-api.py "$endpoint" segue; then
		scripts/emulator.sh stop "$endpoint"
		return 1
	fi
}

# build SOURCE builds what is to be deployed. The emulator's SAM goes by the defaults of
# parameters, and has no CodeDeploy.
build() {
	local to=$home/cloud/build
	mkdir -p "$home/cloud"
	(cd "$1" && quietly build scripts/build.sh ${SCHEMA:+--schema "$SCHEMA"} --build-dir "$to" --parameter-overrides "$(architecture)")
	awk '/^  [A-Za-z]+:$/ { gradual = $1 == "Gradual:" } gradual { sub(/Default: .*/, "Default: '\''false'\''") } { print }' \
		"$to/template.yaml" >"$to/emulated.yaml"
}

architecture() { echo "Architecture=$(scripts/engine.sh arch)"; }

# reach ENDPOINT leads every client to the emulator, with credentials that no account
# has: nothing here may reach one.
reach() { export AWS_ENDPOINT_URL=$1 AWS_ACCESS_KEY_ID=segue AWS_SECRET_ACCESS_KEY=segue AWS_DEFAULT_REGION=us-east-1; }

# deploy PARAMETER… deploys the stack that is built. The name of the emulator's API is
# known only when it is there, so its URL may take a second deployment.
deploy() {
	local mail=()
	if [[ $* == *PublicUrl=* ]]; then # emails need it, for recipients
		mail=(MAIL_FROM='Sales <sales@example.test>' MAIL_IDENTITY=example.test TRACK_KEY=cloud.00000000000000000000000000000000)
	fi
	quietly deploy scripts/deploy.sh dev "$(architecture)" "$@" "${mail[@]}" --template-file "$home/cloud/build/emulated.yaml" --stack-name segue --tags From=cloud.sh
}

update() {
	build "${2:?usage: scripts/cloud.sh update ENDPOINT SOURCE}"
	reach "$1"
	deploy "${@:3}"
}

token() {
	if [[ $# -eq 0 ]]; then
		set -- 'Sales Manager'
	fi
	python scripts/cloud-issuer.py "$home/cloud/issuer" token "${SEGUE_AUDIENCE:-segue}" "$@"
}

calls() { python scripts/cloud-api.py "$1" segue calls "$2"; }

up() {
	local stack endpoint table base
	if [[ -s $running ]] && endpoint=$(<"$running") && curl -fsS --max-time 5 -o /dev/null "$endpoint/_ministack/health" 2>/dev/null; then
		echo "cloud.sh: a stack runs at $endpoint already: stop it first with \`make cloud-stop\`" >&2
		return 1
	fi
	stack=$(start)
	read -r endpoint table base < <(python -c 'import json, sys
s = json.load(sys.stdin)
print(s["endpoint"], s["table"], "http://" + s["host"])' <<<"$stack")
	echo "$endpoint" >"$running"
	cat <<WELCOME
The stack of template.yaml runs on an emulator of AWS at $endpoint. It is empty; stopping it forgets it.

Base URL  $base/api/data/v9.2/
Token     (12 hours, role Sales Manager; more: scripts/cloud.sh token Salesperson)

BASE=$base/api/data/v9.2 TOKEN=$(token)
curl -sS "\$BASE/WhoAmI" -H "Authorization: Bearer \$TOKEN"; echo

The examples of the README work with this BASE and TOKEN. The command line works on the table:

export AWS_ACCESS_KEY_ID=segue AWS_SECRET_ACCESS_KEY=segue AWS_REGION=us-east-1
go run ./cmd/segue parked --endpoint $endpoint --dynamodb-table $table

Stop it with \`make cloud-stop\`.
WELCOME
}

stop() {
	local endpoint=$1
	if [[ -z $endpoint ]]; then
		if [[ ! -s $running ]]; then
			echo 'cloud.sh: no stack runs that `up` has started' >&2
			return
		fi
		endpoint=$(<"$running")
		rm "$running"
	fi
	scripts/emulator.sh stop "$endpoint"
}

case ${1:-} in
up | start | update | token | calls) "$@" ;;
stop) stop "${2:-}" ;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
