#!/bin/sh
# Resolve pyproject.toml into the two lock files: every platform, every supported Python, with hashes, naming no host.
set -eu
resolve() {
    .venv/bin/python -m uv pip compile pyproject.toml --all-extras "$@" --quiet --upgrade --universal --python-version 3.11 \
        --generate-hashes --no-annotate --no-header --no-emit-index-url
}
resolve -o requirements.lock
resolve --group dev -o requirements-dev.lock
