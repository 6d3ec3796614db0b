#!/usr/bin/env bash
# Prints how long after a model's server has written a piece of its answer the client has it, with and
# without countersign in between, all on one clock and on loopback. It asserts nothing.
#
#   benches/first-byte.sh            the build of the tests
#   PROFILE=dist benches/first-byte.sh   another profile
set -euo pipefail
cd "$(dirname "$0")/.."
exec cargo nextest run --cargo-profile "${PROFILE:-dev}" --test it --run-ignored only --no-capture \
    how_long_the_first_byte_takes
