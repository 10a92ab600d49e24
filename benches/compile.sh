#!/usr/bin/env bash
# Prints the CPU time that durasim adds to the clean build of a test crate that derives serde's traits, which whoever
# writes tests with durasim does: the crate with durasim, less the crate without it, each built from clean with default
# features and the default profile for debugging.
# `durasim adds 12.0 s of CPU time to the clean build of a crate that derives serde's traits (14.2 s with it, 2.2 s without)`
# With `--timings`, cargo's table of the times of each dependency is left in target/cargo-timings/core.html.
set -euo pipefail
cd "$(dirname "$0")/.."
core=$PWD
users=$(mktemp -d)
trap 'rm -rf "$users"' EXIT

# What comes from a registry is not compiled incrementally, nor may a cache take the work away.
export CARGO_INCREMENTAL=0 RUSTC_WRAPPER=

# user NAME DEPENDENCY USE: a crate with this dependency, which it uses so.
user() {
  mkdir -p "$users/$1/src"
  cat >"$users/$1/src/main.rs" <<EOF
use serde::{Deserialize, Serialize};

#[derive(Default, Serialize, Deserialize)]
struct Progress {
    chunks_done: u32,
}

fn main() {
    let progress = Progress::default();
    assert_eq!(progress.chunks_done, 0);
    $3
}
EOF
  cat >"$users/$1/Cargo.toml" <<EOF
[package]
name = "user"
version = "0.1.0"
edition = "2024"

[dependencies]
serde = { version = "1", features = ["derive"] }
$2

[workspace]
EOF
  cp Cargo.lock "$users/$1"
  (cd "$users/$1" && cargo fetch --quiet)
}

# cpu NAME COMMAND...: seconds of this and all that it starts, in that crate. What it prints is shown only if it fails.
cpu() {
  local TIMEFORMAT='%U %S' name=$1
  shift
  (
    cd "$users/$name"
    export CARGO_TARGET_DIR="$users/$name/target"
    { time "$@" >"$users/log" 2>&1 || { cat "$users/log" >&2; exit 1; }; } 2>&1 | awk '{ print $1 + $2 }'
  )
}

user without '' ''
user with "durasim = { path = \"$core\" }" 'durasim::Simulation::temporal();'
without=$(cpu without cargo build -j1)
with=$(cpu with cargo build -j1 "$@")
if [ -d "$users/with/target/cargo-timings" ]; then
  mkdir -p "$core/target/cargo-timings"
  cp "$users/with/target/cargo-timings/cargo-timing.html" "$core/target/cargo-timings/core.html"
fi
LC_ALL=C awk -v with="$with" -v without="$without" 'BEGIN {
  printf "durasim adds %.1f s of CPU time to the clean build of a crate that derives serde'"'"'s traits ", with - without
  printf "(%.1f s with it, %.1f s without)\n", with, without
}'
