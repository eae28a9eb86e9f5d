#!/usr/bin/env bash
# `sam deploy` of what is built, with an environment of samconfig.toml. A build that would
# take own tables or columns away from the stack is refused, with the number of rows that
# use them.
set -euo pipefail
shopt -s inherit_errexit

usage() {
	cat <<'USAGE'
usage: scripts/deploy.sh ENVIRONMENT [PARAMETER=VALUE…] [OPTION…]

  ENVIRONMENT  dev, prod, or another section of samconfig.toml
  PARAMETER    one of template.yaml, in addition to those of the environment; SAM by
               itself would use it in their place. A stack keeps the value of a
               parameter that is not given. ISSUER, AUDIENCE, TABLE, STREAM, ORGANIZATION,
               PUBLIC_URL, MAIL_FROM, MAIL_IDENTITY and TRACK_KEY are short for nine of them
  OPTION       one of `sam deploy`, such as --stack-name NAME or --tags NAME=VALUE; what
               comes after the first one is passed on as it is

environment:
  DROP         own tables and columns that the build takes away on purpose:
               new_plant,lead.new_visits
USAGE
}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$here"
if [[ $# -eq 0 || $1 == -h || $1 == --help ]]; then
	usage >&2
	exit 2
fi
environment=$1
shift
given=()
while [[ $# -gt 0 && $1 != -* ]]; do
	if [[ ! $1 =~ ^[A-Za-z_]+= ]]; then
		echo "deploy.sh: \"$1\" is not PARAMETER=VALUE" >&2
		exit 2
	fi
	case $1 in
	ISSUER=*) given+=("JwtIssuer=${1#*=}") ;;
	AUDIENCE=*) given+=("JwtAudience=${1#*=}") ;;
	TABLE=*) given+=("TableName=${1#*=}") ;;
	STREAM=*) given+=("TableStreamArn=${1#*=}") ;;
	ORGANIZATION=*) given+=("Organization=${1#*=}") ;;
	PUBLIC_URL=*) given+=("PublicUrl=${1#*=}") ;;
	MAIL_FROM=*) given+=("MailFrom=\"${1#*=}\"") ;; # it has spaces, at which SAM would cut it
	MAIL_IDENTITY=*) given+=("MailIdentity=${1#*=}") ;;
	TRACK_KEY=*) given+=("TrackKey=${1#*=}") ;;
	*) given+=("$1") ;;
	esac
	shift
done
template=.aws-sam/build/template.yaml
for ((i = 1; i <= $#; i++)); do
	next=$((i + 1))
	case ${!i} in # SAM has three names for it
	--template-file | --template | -t) template=${!next-} ;;
	--template-file=* | --template=*) template=${!i#*=} ;;
	-t?*) template=${!i#-t} ;;
	esac
done
if [[ ! -f $template ]]; then
	echo "deploy.sh: $template is not there: build first, with \`make build\`" >&2
	exit 1
fi

scripts/sam.sh install
deployed=$(mktemp)
trap 'rm -f "$deployed"' EXIT
parameters=$("${SEGUE_CACHE:-.cache}/sam/bin/python" scripts/environment.py "$environment" "$deployed" "$@")
mapfile -t parameters <<<"$parameters"
table=${parameters[0]} region=${parameters[1]} profile=${parameters[2]}
parameters=("${parameters[@]:3}")
compare=()
if [[ -s $deployed ]]; then
	compare=(--deployed "$deployed" --drop "${DROP:-}" ${table:+--endpoint aws --dynamodb-table "$table"})
elif [[ -n ${DROP:-} ]]; then
	echo "deploy.sh: DROP=$DROP: there is no stack yet that has anything" >&2
	exit 1
fi
schema=$(env ${region:+AWS_REGION="$region"} ${profile:+AWS_PROFILE="$profile"} go run ./cmd/segue built "$template" "${compare[@]}")
scripts/sam.sh exec deploy --config-file "$here/samconfig.toml" --config-env "$environment" "$@" \
	--parameter-overrides "${parameters[@]}" "${given[@]}" "Schema=$schema"
