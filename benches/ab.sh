#!/usr/bin/env bash
# Prints what a change costs: the workloads of the benches on the working tree and on a base revision, in one process.
# `benches/ab.sh main` or `benches/ab.sh HEAD~3 W1`: a revision, and the names of workloads if not all are wanted.
# `ab W1 ratio 1.012 (0.987 to 1.043; base 5.02 us, working tree 5.08 us)`
# The machine must do nothing else meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."
revision=${1:?a revision to compare with}
shift

# The base is a copy of the revision with a version of its own, so that cargo can tell its packages from ours.
base=target/ab/base
rm -rf "$base"
mkdir -p "$base"
git archive "$revision" | tar -x -C "$base"
sed -i '0,/^version = .*/s//version = "0.0.1"/' "$base/Cargo.toml" "$base/benches/Cargo.toml"

# What both need is taken as it is locked.
cp Cargo.lock benches/ab/Cargo.lock
export CARGO_TARGET_DIR=$PWD/target/ab/build
cargo bench --quiet --manifest-path benches/ab/Cargo.toml --bench ab -- "$@"
