#!/usr/bin/env bash
# Builds and tests durasim-temporal against the newest release of the Temporal SDK, in a copy of the repository, which stays as it is.
# Not part of `.ci/run`: what it says depends on the day.
set -euo pipefail
cd "$(dirname "$0")/.."
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp --parents -t "$copy"
cd "$copy"
# Any release instead of one.
sed -i -E 's/^(temporalio-[a-z]+ = (\{ version = )?)"[=~][0-9.]+"/\1">=1.1"/' \
    adapters/durasim-temporal/Cargo.toml adapters/sdk_examples/Cargo.toml
cargo update -p temporalio-sdk -p temporalio-workflow -p temporalio-common -p temporalio-client -p temporalio-macros
cargo tree -p durasim-temporal --depth 1 | grep temporalio
cargo test -p durasim-temporal
