#!/usr/bin/env bash
# Changes the code of a folder in small ways, one at a time, and shows which changes no test notices: 40 mutants of the folder, drawn
# with a fixed seed, and all of the files that carry faults out (docs/architecture.md names them). Tests by golden texts do not count.
#
#     scripts/mutants.sh src/engine
#     scripts/mutants.sh src/world/faults.rs      a single file: all of it
#
# Needs cargo-mutants (scripts/tools.sh cargo-mutants). It takes about a minute a mutant.
set -euo pipefail
cd "$(dirname "$0")/.."
scope=${1:?a folder or file of src}
scripts/tools.sh --check cargo-mutants

files=$scope
[ -d "$scope" ] && files="$scope/**"
names=$(cargo mutants --list --package durasim --file "$files" | sed 's/^src/src/')
if [ -d "$scope" ]; then
    names=$(echo "$names" | awk 'BEGIN { srand(1) } { print rand() "\t" $0 }' | sort -n | head -40 | cut -f2-)
fi
# Each name, as a regular expression for itself.
quoted=$(echo "$names" | sed 's/[][\.*^$(){}?+|/]/\\&/g' | paste -sd'|')
cargo mutants --package durasim --file "$files" --re "^($quoted)\$" --output target/mutants --no-shuffle --timeout 300 \
    -- --lib --test promises --test bugs --test conformance -- --skip golden
