#!/bin/sh
# Makes .venv and installs a lock with hashes: sh deploy/setup.sh run|test
# A second call with the same lock does nothing. Exit code 4: the environment is not right, with what to do.
set -eu

lock=requirements/$1.txt
env=.venv
python=${HEADRACE_PYTHON:-python3}
oldest="3, 11"

refuse() { # what, why, what to do
    printf '%s\n%s\n%s\n' "$1" "$2" "$3" >&2
    exit 4
}

newer_python() {
    for candidate in python3.13 python3.12 python3.11 python3.14; do
        if "$candidate" -c "import sys; sys.exit(sys.version_info < ($oldest))" 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
}

check_python() {
    found=$("$python" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null) || found=""
    if [ -n "$found" ] && "$python" -c "import sys; sys.exit(sys.version_info < ($oldest))"; then
        return
    fi
    if [ -n "$found" ]; then
        what="Headrace needs Python 3.11 or newer; this is $found (the \"$python\" on your PATH)."
    else
        what="Headrace needs Python 3.11 or newer; there is no \"$python\" that runs on your PATH."
    fi
    other=$(newer_python)
    if [ -n "$other" ]; then
        refuse "$what" "Found $other as well." "Use it:  make up HEADRACE_PYTHON=$other"
    fi
    refuse "$what" "Looked for python3.11 to python3.14 as well and found none." \
        "Install one (Debian: sudo apt-get install python3.11 python3.11-venv), then run this again."
}

stamp_of() { # what this environment was made from: the lock's checksum
    cksum <"requirements/$1.txt"
}

is_done() {
    [ -x $env/bin/python ] && [ "$(cat "$env/.$1.stamp" 2>/dev/null)" = "$(stamp_of "$1")" ]
}

kernels_are() { # what the kept machine code was made from, and by what
    cat calc/kernels/*.py calc/kinds/*.py requirements/run.txt | cksum # a kind says which kernels it needs
}

compile_kernels() { # once, and again when a kernel has changed: what runs then only loads machine code
    kept=calc/kernels/__pycache__/compiled.stamp
    if [ "$(cat "$kept" 2>/dev/null)" = "$(kernels_are)" ]; then return; fi
    begun=$(date +%s)
    printf 'Compiling the kernels, once … '
    $env/bin/python -m calc 1 2 &
    half=$!
    if ! { $env/bin/python -m calc 2 2 && wait $half; }; then
        refuse "The kernels could not be compiled." "Python says why above." "Run it again when that is mended:  make up"
    fi
    mkdir -p calc/kernels/__pycache__
    kernels_are >"$kept"
    echo "$(($(date +%s) - begun)) s."
}

if is_done "$1"; then
    compile_kernels
    exit 0
fi

if [ ! -w . ] || { [ -e $env ] && [ ! -w $env ]; }; then
    refuse "Cannot write to $env in $(pwd) (you are $(id -un))." \
        "The packages go there; an earlier run with sudo may have made it." \
        "Fix:  sudo chown -R $(id -un) ."
fi
if ! $env/bin/python -c "import sys, pip; sys.exit(sys.version_info < ($oldest))" 2>/dev/null; then
    check_python
    echo "Making $env with $("$python" --version 2>&1) …"
    rm -rf $env
    if ! "$python" -m venv $env 2>$$.setup.log >&2; then
        sed 's/^/  /' $$.setup.log >&2
        rm -rf $$.setup.log $env
        refuse "Cannot make a virtual environment with $python." "Its venv module is missing or broken (above)." \
            "Install it (Debian: sudo apt-get install python3-venv), then run this again."
    fi
    rm -f $$.setup.log
fi

echo "Installing $(grep -c '^[a-z].*==' "$lock") packages from $lock, hashes checked …"
begun=$(date +%s)
if ! $env/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$lock"; then
    refuse "The packages could not be installed." "pip says why above: no network, or a package that is not the locked one." \
        "Run it again when that is mended:  make up"
fi
echo "Installed in $(($(date +%s) - begun)) s."
stamp_of "$1" >"$env/.$1.stamp"
if [ "$1" = test ]; then # the test lock holds the run lock
    stamp_of run >$env/.run.stamp
fi
compile_kernels
