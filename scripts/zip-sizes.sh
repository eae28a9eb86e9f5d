#!/usr/bin/env bash
# The size of each function's zip, as `sam build` has made it for arm64, beside the limit
# that the function names: functions/<name>/zip.limit, in bytes. Fails when one is over
# its limit, or when a function names none or one over 6 MB.
set -euo pipefail
shopt -s inherit_errexit nullglob
cd "$(dirname "${BASH_SOURCE[0]}")/.."

built=${1:-.aws-sam/build}
python3 - "$built" functions/*/main.go <<'PYTHON'
import os, pathlib, sys, tempfile, zipfile

MOST = 6_000_000  # of any function
built, mains = pathlib.Path(sys.argv[1]), map(pathlib.Path, sys.argv[2:])
over = False
for main in mains:
    name = main.parent.name
    limit = int((main.parent / "zip.limit").read_text())
    with tempfile.TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as zip:
            for part in sorted((built / f"{name.capitalize()}Function").rglob("*")):
                zip.write(part, part.relative_to(built))
        size = file.seek(0, os.SEEK_END)
    bad = size > limit or limit > MOST or size < 100_000
    over = over or bad
    print(f"{name:<12} {size:>9,} of {limit:>9,} bytes{'  <- too large, or no program' if bad else ''}")
sys.exit(over)
PYTHON
