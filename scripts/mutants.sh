#!/usr/bin/env bash
# Changes the code of a folder in small ways, one at a time, and shows which changes no test notices: 40 mutants of the folder,
# drawn with a fixed seed, or all of a file. Tests by golden texts do not count. docs/fidelity.md has the survivors.
#
#     scripts/mutants.sh src/engine               40 of a folder
#     scripts/mutants.sh src/world/awaits.rs      all of a file (docs/architecture.md names those that carry faults out)
#     scripts/mutants.sh src/check --in-place     more words are options of cargo-mutants; --iterate goes on where it stopped
#
# Not with `--baseline skip`: a test that fails by itself would catch every mutant.
#
# Needs cargo-mutants and cargo-nextest (scripts/tools.sh cargo-mutants cargo-nextest). It takes some ten
# seconds a mutant on two idle cores.
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
results=target/mutants/$(echo "$scope" | tr / -)

# try NAMES RESULTS JUDGES TEST.. -- OPTION..
# Tries the mutants on the tests of these binaries that a filter of nextest chooses.
try() {
    local names=$1 results=$2 judges=$3 quoted tests=()
    shift 3
    while [ "$1" != -- ]; do tests+=("--cargo-arg=$1"); shift; done
    shift
    # Each name, as a regular expression for itself.
    quoted=$(echo "$names" | sed 's/[][\.*^$(){}?+|/]/\\&/g' | paste -sd'|')
    mkdir -p "$results"
    # cargo-mutants ends with 2 if a mutant survives and with 3 if one never ends; anything else is a mistake, such as tests
    # that fail without any mutant. Words of `--cargo-arg` belong to the build as well: no other tests are built.
    cargo mutants --package durasim --file "$files" --re "^($quoted)\$" --output "$results" \
        --no-shuffle --timeout 200 --test-tool nextest "$@" "${tests[@]}" -- --profile mutants -E "$judges" ||
        case $? in 2 | 3) ;; *) exit 1 ;; esac
}

# Optimised, a change of a small function compiles for half a minute.
export CARGO_PROFILE_DEV_OPT_LEVEL=0
judges='not test(golden) and not test(is_gone_when_corrected)'
# The module of tests that takes long to compile is for those that the others do not notice.
try "$names" "$results/quick" "$judges" --lib --test=bugs --test=conformance -- "$@"
left=$(cat "$results/quick/mutants.out/missed.txt")
[ -n "$left" ] || rm -rf "$results/all"
[ -z "$left" ] || try "$left" "$results/all" "$judges" --lib --test=promises --test=bugs --test=conformance -- "$@"

count() { cat "$results"/$1/mutants.out/$2.txt 2>/dev/null | grep -c . || true; }
echo "$scope: $(count '*' caught) caught, $(count '*' timeout) without end, $(count quick unviable) do not compile, $(count all missed) missed"
[ -z "$left" ] || cat "$results/all/mutants.out/missed.txt"
