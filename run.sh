#!/usr/bin/env bash
# Sets up .venv on first use (and again after pyproject.toml changes), then runs one thing in it:
#   bash run.sh setup | train | test [pytest arguments] | python [arguments]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

find_python() {
    local candidate
    for candidate in python3 python3.14 python3.13 python3.12 python3.11 python; do
        # Run it: a name on PATH may be an old version, or a launcher with nothing behind it.
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "run.sh: no Python 3.11 or newer on PATH; install one and run again" >&2
    return 1
}

setup() {
    [[ .venv/installed -nt pyproject.toml ]] && return
    local python
    python="$(find_python)"
    echo "run.sh: setting up .venv with $("$python" --version)" >&2
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
    touch .venv/installed
}

usage="usage: bash run.sh setup | train | test [pytest arguments] | python [arguments]"
[[ $# -gt 0 ]] || { echo "$usage" >&2; exit 2; }
command="$1"
shift
case "$command" in
    setup) setup ;;
    train) setup && exec .venv/bin/python examples/digits.py "$@" ;;
    test) setup && exec .venv/bin/python -m pytest -q "$@" ;;
    python) setup && exec .venv/bin/python "$@" ;;
    *) echo "run.sh: unknown command '$command'; $usage" >&2; exit 2 ;;
esac
