#!/usr/bin/env bash
# Measures countersign against nginx and against itself, side by side in one run, on loopback only.
# Takes about two minutes, ends by itself, and leaves nothing behind.
#
#   benches/run.sh                     the dist binary (`make dist` builds it)
#   COUNTERSIGN=path benches/run.sh    another binary
#   THREADS=4 benches/run.sh           threads of countersign and workers of nginx; default: one a core
#   ROUNDS=5 benches/run.sh            rounds of each measure; default: 3
#
# The exit code tells whether everything could be measured, not whether the targets were met.
set -euo pipefail
cd "$(dirname "$0")/.."

export PATH="$PATH:/usr/sbin:/sbin"
binary=${COUNTERSIGN:-target/dist/countersign}
if [ ! -x "$binary" ]; then
    echo "bench: no binary at '$binary'; build it with 'make dist'" >&2
    exit 2
fi
for tool in nginx wrk python3; do
    if ! command -v "$tool" >/dev/null; then
        echo "bench: '$tool' is missing; 'scripts/install-deps.sh bench' installs it" >&2
        exit 2
    fi
done

# The ledger must lie on a real disk, which /tmp may not be.
mkdir -p target
exec python3 benches/measure.py "$binary" target \
    --threads "${THREADS:-$(nproc)}" --rounds "${ROUNDS:-3}"
