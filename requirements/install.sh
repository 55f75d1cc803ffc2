#!/bin/sh
# .venv with everything of the lock, made by $PYTHON, or anew where an earlier one is half-made or of another Python.
# .venv/.ready holds the version and is written last.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
bounds=$(sed -n 's/^requires-python = ">=3\.\([0-9]*\),<3\.\([0-9]*\)"$/\1 \2/p' pyproject.toml)
least=${bounds% *}
most=$((${bounds#* } - 1))

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null; }

refuse() {
    minor=$least
    while [ "$minor" -le "$most" ]; do
        if version "python3.$minor" > /dev/null; then
            echo "$1: try again with PYTHON=python3.$minor" >&2
            exit 1
        fi
        minor=$((minor + 1))
    done
    echo "$1: install one, and try again with PYTHON=python3.$least (or its path)" >&2
    exit 1
}

wanted="Python 3.$least or newer is needed, up to 3.$most"
found=$(version "$python") || refuse "$wanted, and $python does not run"
minor=${found#3.}
case $minor in *.*) refuse "$wanted; $python is $found" ;; esac
if [ "$minor" -lt "$least" ] || [ "$minor" -gt "$most" ]; then
    refuse "$wanted; $python is $found"
fi

if [ ! -f .venv/.ready ] || [ "$(version .venv/bin/python)" != "$found" ]; then
    echo "making .venv with Python $found, from the lock: a few minutes"
    "$python" -m venv --clear .venv
fi
rm -f .venv/.ready
.venv/bin/python -m pip install -q --disable-pip-version-check -c requirements/constraints.txt -e '.[book,test]'
echo "$found" > .venv/.ready
