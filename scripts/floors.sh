#!/usr/bin/env bash
# Makes an environment with the lowest versions that pyproject.toml allows, and does there what `make test` does.
# PyTorch alone is that of the Makefile, since its lowest version would be gigabytes; TORCH_SPEC names another.
# Read from the environment: PYTHON, TORCH_SPEC, PIP_TORCH_ARGS, RESOLUTION (highest: the newest). Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

floors=build/floors
"$PYTHON" -m venv --clear "$floors"
pip() { "$floors/bin/python" -m pip --disable-pip-version-check "$@"; }

pip install -qq --constraint constraints.txt uv
# shellcheck disable=SC2086  # several arguments are meant
pip install -qq --no-compile --prefer-binary "$TORCH_SPEC" $PIP_TORCH_ARGS
"$floors/bin/python" -m uv --quiet pip install --python "$floors/bin/python" --resolution "${RESOLUTION:-lowest-direct}" \
    --constraint <(echo "$TORCH_SPEC") --editable '.[test,lessons,lab,related]'
"$floors/bin/python" -m mraf doctor
rm -rf "$floors.tested"  # the notebooks, each stub with its solution
"$floors/bin/python" scripts/exercises.py --tested "$floors.tested" notebooks/solutions/*.ipynb
env -u MRAF_DATA OMP_NUM_THREADS=1 "$floors/bin/python" -m pytest -n 2 --dist loadfile --nbval-lax --nbval-current-env \
    tests "$floors.tested"/*.ipynb notebooks/app/reliability.ipynb "$@"
