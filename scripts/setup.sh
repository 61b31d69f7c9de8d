#!/usr/bin/env bash
# Makes .venv with everything that pyproject.toml asks for, at the versions of constraints.txt.
# The Makefile calls it when the stamp (the last file written) is missing or out of date.
# Read from the environment: PYTHON, VENV, STAMP, TORCH_SPEC, PIP_TORCH_ARGS.
set -euo pipefail

started=$SECONDS
say() { printf '· %s\n' "$*"; }

if ! "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null; then
    say "'$PYTHON' is missing or older than Python 3.10. Name a newer one: make PYTHON=python3.12 …" >&2
    exit 1
fi

if [ ! -f "$STAMP" ]; then # none yet, half-finished, moved or broken: begin afresh
    say "Making $VENV with $("$PYTHON" --version) (once; later runs reuse it)"
    "$PYTHON" -m venv --clear "$VENV" || {
        say "Python cannot make an environment here; on Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    }
fi
rm -f "$STAMP"

pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }
uv() { "$VENV/bin/python" -m uv --quiet "$@" --python "$VENV/bin/python"; }

# uv installs in seconds what takes pip a minute, and finds the PyTorch build for this machine's
# GPU, or the CPU build where there is none. Whatever uv cannot do, pip does.
pip install -qq --constraint constraints.txt uv || say "No uv; pip does it all, more slowly"

say "Installing $TORCH_SPEC (some 200 MB without a GPU, some GB with one)"
if [ -n "$PIP_TORCH_ARGS" ]; then
    # shellcheck disable=SC2086  # several arguments are meant
    pip install -qq --no-compile "$TORCH_SPEC" $PIP_TORCH_ARGS
elif ! UV_HTTP_RETRIES=1 uv pip install "$TORCH_SPEC" --torch-backend=auto 2>/dev/null; then
    say "PyTorch's own index did not answer; taking the build that pip finds"
    pip install -qq --no-compile --prefer-binary "$TORCH_SPEC"
fi

say "Installing mraf and its other packages"
everything='.[test,lessons,lab,dev,cluster,related,export]'
uv pip install --constraint constraints.txt --editable "$everything" ||
    pip install -qq --no-compile --prefer-binary --constraint constraints.txt --editable "$everything"

pwd >"$STAMP"
say "Ready after $((SECONDS - started)) s"
