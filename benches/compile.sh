#!/usr/bin/env bash
# Prints the CPU time of compiling the core crate from clean, as a crate of a user's that depends on it does: default
# features, all dependencies, the default profile for debugging.
# `core crate from clean 14.2 s of CPU time (durasim itself 5.1 s)`
# With `--timings`, cargo's table of the times of each dependency is left in target/cargo-timings/core.html.
set -euo pipefail
cd "$(dirname "$0")/.."
core=$PWD
user=$(mktemp -d)
trap 'rm -rf "$user"' EXIT

# What comes from a registry is not compiled incrementally, nor may a cache take the work away.
export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$user/target" RUSTC_WRAPPER=
mkdir "$user/src"
echo 'fn main() {}' >"$user/src/main.rs"
cat >"$user/Cargo.toml" <<EOF
[package]
name = "user"
version = "0.1.0"
edition = "2024"

[dependencies]
durasim = { path = "$core" }

[workspace]
EOF
cp Cargo.lock "$user"
cd "$user"
cargo fetch --quiet

# cpu COMMAND...: seconds of this and all that it starts. What it prints is shown only if it fails.
cpu() {
  local TIMEFORMAT='%U %S'
  { time "$@" >"$user/log" 2>&1 || { cat "$user/log" >&2; return 1; }; } 2>&1 | awk '{ print $1 + $2 }'
}

all=$(cpu cargo build -j1 -p durasim "$@")
if [ -d target/cargo-timings ]; then
  mkdir -p "$core/target/cargo-timings"
  cp target/cargo-timings/cargo-timing.html "$core/target/cargo-timings/core.html"
fi
cargo clean --quiet -p durasim
own=$(cpu cargo build -j1 -p durasim)
LC_ALL=C printf 'core crate from clean %.1f s of CPU time (durasim itself %.1f s)\n' "$all" "$own"
