#!/usr/bin/env bash
# golangci-lint, of one version, and what it cannot check.
set -euo pipefail

usage() {
	cat <<'USAGE'
usage: scripts/lint.sh install | run

  install  build golangci-lint into $SEGUE_CACHE/bin (default: .cache/bin); nothing
           happens when that version is there
  run      install, then check the whole module
USAGE
}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=v2.15.0
bin=${SEGUE_CACHE:-$PWD/.cache}/bin
lint=$bin/golangci-lint-$version

install() {
	[[ -x $lint ]] && return
	GOBIN=$bin go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
	mv "$bin/golangci-lint" "$lint"
}

case ${1:-} in
install) install ;;
run)
	install
	"$lint" run --allow-parallel-runners ./...
	go test -count=1 -run TestNoNameIsSpelledAsText ./internal/schema/name
	;;
-h | --help | help) usage ;;
*)
	usage >&2
	exit 2
	;;
esac
