#!/usr/bin/env bash
# Changes the code of a folder in small ways, one at a time, and shows which changes no test notices: 40 mutants of the folder,
# drawn with a fixed seed, or all of a file. Tests by golden texts do not count. docs/fidelity.md has the survivors.
#
#     scripts/mutants.sh src/engine               40 of a folder
#     scripts/mutants.sh src/world/awaits.rs      all of a file (docs/architecture.md names those that carry faults out)
#     scripts/mutants.sh src/check --in-place     more words are options of cargo-mutants; --iterate goes on where it stopped
#
# Needs cargo-mutants and cargo-nextest (scripts/tools.sh cargo-mutants cargo-nextest). It takes half a minute a mutant.
set -euo pipefail
cd "$(dirname "$0")/.."
scope=${1:?a folder or file of src}
shift
scripts/tools.sh --check cargo-mutants cargo-nextest

files=$scope
[ -d "$scope" ] && files="$scope/**"
names=$(cargo mutants --list --package durasim --file "$files" | grep .) || { echo "no mutants in $scope" >&2; exit 2; }
if [ -d "$scope" ]; then
    names=$(echo "$names" | awk 'BEGIN { srand(1) } { print rand() "\t" $0 }' | sort -n | sed -n 1,40p | cut -f2-)
fi
# Each name, as a regular expression for itself.
quoted=$(echo "$names" | sed 's/[][\.*^$(){}?+|/]/\\&/g' | paste -sd'|')
results=target/mutants/$(echo "$scope" | tr / -)
mkdir -p "$results"
# Words of `--cargo-arg` belong to the build as well: no other tests are built.
cargo mutants --package durasim --file "$files" --re "^($quoted)\$" --output "$results" \
    --no-shuffle --timeout 200 --test-tool nextest "$@" \
    --cargo-arg=--lib --cargo-arg=--test=promises --cargo-arg=--test=bugs --cargo-arg=--test=conformance \
    -- --profile mutants -E 'not test(golden)'
