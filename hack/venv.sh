#!/bin/sh
# Make the virtual environment $1 if need be, and install the lock file $2 into it; further lock files are part of it.
# Does nothing when the environment was made from the same locks. PYTHON names the interpreter.
set -eu
venv=$1 lock=$2
shift

supported() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
}

interpreter() {
    for python in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
        if supported "$python"; then
            echo "$python"
            return
        fi
    done
    echo "Orrery needs Python 3.11, 3.12 or 3.13; found ${PYTHON:-$(python3 -V 2>/dev/null || echo none)}. Name one with PYTHON=…" >&2
    exit 1
}

if ! supported "$venv/bin/python" || ! "$venv/bin/python" -c 'import pip' 2>/dev/null; then
    python=$(interpreter)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        echo "$python lacks the venv module; on Debian and Ubuntu: apt install python3-venv" >&2
        exit 1
    fi
    echo "Making $venv with $("$python" -V)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

if ! cmp -s "$lock" "$venv/$(basename "$lock")"; then
    echo "Installing $lock (once, until it changes)"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
fi
for installed in "$@"; do
    cp "$installed" "$venv/"
done
