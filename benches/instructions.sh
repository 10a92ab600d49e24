#!/usr/bin/env bash
# Prints the instructions of one run, by callgrind: `W1 instructions 48213 (bare 15000)`. The difference of two lengths, so
# that starting up does not count. Then how many of W1's each part takes, on average over 2,000 runs with the start:
# `W1 part 13759 (JSON)`.
# With a folder as argument, leaves the profile of W1 there, for callgrind_annotate.
set -euo pipefail
cd "$(dirname "$0")/.."

bench=$(cargo bench --bench cost --no-run --message-format=json 2>/dev/null |
  sed -n 's/.*"executable":"\([^"]*cost-[^"]*\)".*/\1/p' | tail -1)

# instructions NAME SIDE RUNS [OUT]
instructions() {
  valgrind --tool=callgrind --callgrind-out-file="${4:-/dev/null}" "$bench" only "$1" "$2" "$3" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

each() {
  local few many
  few=$(instructions "$1" "$2" 100)
  many=$(instructions "$1" "$2" 600)
  echo $(((many - few) / 500))
}

for name in "W1" "W1 without JSON"; do
  echo "$name instructions $(each "$name" durasim) (bare $(each "$name" bare))"
done

profile=${1:-$(mktemp -d)}
mkdir -p "$profile"
instructions W1 durasim 2000 "$profile/callgrind.out" >/dev/null
callgrind_annotate --auto=no --threshold=100 --show=Ir "$profile/callgrind.out" |
  awk -v runs=2000 -f benches/parts.awk | sort -k3 -rn
if [ $# -gt 0 ]; then
  echo "profile: callgrind_annotate --inclusive=yes $profile/callgrind.out"
else
  rm -r "$profile"
fi
