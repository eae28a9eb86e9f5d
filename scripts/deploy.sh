#!/usr/bin/env bash
# `sam deploy` of what is built, with an environment of samconfig.toml.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/deploy.sh ENVIRONMENT [OPTION…] [PARAMETER=VALUE…]

  ENVIRONMENT  dev, prod, or another section of samconfig.toml
  OPTION       one of `sam deploy`, such as --stack-name NAME
  PARAMETER    one of template.yaml, in addition to those of the environment; SAM by
               itself would use it in their place. A stack keeps the value of a
               parameter that is not given
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
options=()
given=()
while [[ $# -gt 0 ]]; do
	if [[ $1 =~ ^[A-Za-z]+= ]]; then
		given+=("$1")
	else
		options+=("$1")
	fi
	shift
done
scripts/sam.sh install
mapfile -t parameters < <("${SEGUE_CACHE:-.cache}/sam/bin/python" - "$environment" <<'PYTHON'
import sys, tomllib
with open("samconfig.toml", "rb") as file:
    config = tomllib.load(file)
if sys.argv[1] not in config:
    sys.exit(f"deploy.sh: samconfig.toml has no environment {sys.argv[1]}")
print("\n".join(config[sys.argv[1]]["deploy"]["parameters"]["parameter_overrides"]))
PYTHON
)
[[ ${#parameters[@]} -gt 0 ]] || exit 1 # which has been said
exec scripts/sam.sh exec deploy --config-file "$here/samconfig.toml" --config-env "$environment" "${options[@]}" \
	--parameter-overrides "${parameters[@]}" "${given[@]}"
