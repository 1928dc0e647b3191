#!/bin/sh
# Names, in one line each, what this machine lacks to build and test causelog.
set -u
missing=0

lack() {
    echo "missing prerequisite: $1" >&2
    missing=1
}

# at_least WANTED FOUND: whether version FOUND is WANTED or later.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

rust=$(rustc --version 2>/dev/null | cut -d ' ' -f 2)
if ! command -v cargo >/dev/null 2>&1 || [ -z "$rust" ]; then
    lack "a Rust toolchain, 1.89 or later (https://rustup.rs)"
elif ! at_least 1.89.0 "$rust"; then
    lack "Rust 1.89 or later: found $rust"
fi

python=${PYTHON:-python3}
found=$("$python" -c 'import platform; print(platform.python_version())' 2>/dev/null)
if [ -z "$found" ]; then
    lack "Python 3.11 or later, as $python (https://www.python.org)"
elif ! at_least 3.11 "$found"; then
    lack "Python 3.11 or later: $python is $found"
elif ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    lack "Python's venv and ensurepip modules (on Debian: python3-venv)"
fi

found=$(node --version 2>/dev/null | sed 's/^v//')
if [ -z "$found" ]; then
    lack "Node.js 20 or later (https://nodejs.org)"
elif ! at_least 20 "$found"; then
    lack "Node.js 20 or later: found $found"
elif ! command -v npm >/dev/null 2>&1; then
    lack "npm, which comes with Node.js (https://nodejs.org)"
fi

command -v "${CC:-cc}" >/dev/null 2>&1 || lack "a C compiler, as ${CC:-cc}"
command -v "${CXX:-c++}" >/dev/null 2>&1 || lack "a C++ compiler, as ${CXX:-c++}"

exit "$missing"
