# Find a Python that is new enough and let it make .venv; nothing to do where .venv fits requirements-dev.lock.
set -eu

if cmp -s requirements-dev.lock .venv/installed.lock && .venv/bin/python -c ''; then
    exit 0
fi

fits() {
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1
}

for python in python3.13 python3.14 python3.12 python3 python \
    "$HOME"/.pyenv/versions/*/bin/python3 "$HOME"/.local/share/uv/python/*/bin/python3; do
    if fits "$python"; then
        exec "$python" konnect_portal/development/environment.py
    fi
done

echo "No Python 3.12 or later was found: python3.13, python3.14, python3.12 and python3 were tried on PATH," >&2
echo "then those of pyenv and uv. Install one together with its venv module (on Debian: python3-venv)." >&2
exit 1
