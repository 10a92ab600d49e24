#!/usr/bin/env bash
# Makes sure that the tools are there that steps of .ci/run need beyond cargo itself, and installs those that are not.
#
#     scripts/tools.sh                    all of them
#     scripts/tools.sh rustfmt clippy     these
#     scripts/tools.sh --check rustfmt    fails with what is missing, and installs nothing
set -euo pipefail

tools=(rustfmt clippy)
is_check=false
if [ "${1:-}" = --check ]; then is_check=true; shift; fi
if [ $# -gt 0 ]; then tools=("$@"); fi

for tool in "${tools[@]}"; do
    case $tool in
        rustfmt) found=(cargo fmt --version); install=(rustup component add rustfmt) ;;
        clippy) found=(cargo clippy --version); install=(rustup component add clippy) ;;
        cargo-nextest) found=(cargo nextest --version); install=(cargo install --locked cargo-nextest) ;;
        cargo-mutants) found=(cargo mutants --version); install=(cargo install --locked cargo-mutants) ;;
        # The clients of the adapters generate code when they are built.
        protoc) found=(protoc --version); install=(sh -c "apt-get update && apt-get install -y protobuf-compiler") ;;
        *) echo "scripts/tools.sh: it does not know \`$tool\`" >&2; exit 2 ;;
    esac
    "${found[@]}" >/dev/null 2>&1 && continue
    if $is_check; then
        echo "\`$tool\` is missing: \`scripts/tools.sh $tool\` installs it" >&2
        exit 1
    fi
    "${install[@]}"
    "${found[@]}" >/dev/null
done
