#!/usr/bin/env bash
# Writes constraints.txt: one exact version per package, for Python 3.10 and for 3.11 and later.
# Pins already there are kept where they still fit. CUDA packages are left out: torch pins them.
set -euo pipefail

new=$(mktemp)
trap 'rm -f "$new"' EXIT
cp constraints.txt "$new"
"$VENV/bin/python" -m uv --quiet pip compile pyproject.toml --all-extras --universal \
    --python-version 3.10 --no-annotate --no-header --constraint <(echo "$TORCH_SPEC") -o "$new"
{
    echo "# Exact versions that were run together; written by \`make constraints\`."
    grep -vE '^(nvidia|cuda|triton)' "$new"
} >constraints.txt
