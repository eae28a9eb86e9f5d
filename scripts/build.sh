#!/usr/bin/env bash
# `sam build`, and own tables and columns in what it has made.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/build.sh [--schema FOLDER] [--build-dir FOLDER] [OPTION…]

  --schema     folder with tables/*.json and optionsets/*.json: part of every function, and
               the template lets their changes through and says which they are
  --build-dir  where the build is to be (default: .aws-sam/build)
  OPTION       one of `sam build`, such as --parameter-overrides NAME=VALUE
USAGE
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
schema=
built=.aws-sam/build
options=()
while [[ $# -gt 0 ]]; do
	case $1 in
	-h | --help)
		usage
		exit
		;;
	--schema) schema=${2:?--schema needs a folder} ;;
	--build-dir) built=${2:?--build-dir needs a folder} ;;
	*)
		options+=("$1")
		shift
		continue
		;;
	esac
	shift 2
done
if [[ -n $schema ]]; then
	go run ./cmd/segue schema "$schema" # a mistake is told before minutes of building
fi
scripts/sam.sh exec build --build-dir "$built" "${options[@]}"
if [[ -n $schema ]]; then
	go run ./cmd/segue built "$built/template.yaml" --schema "$schema"
fi
