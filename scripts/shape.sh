#!/usr/bin/env bash
# Prints the shape of src: of the working tree, or of a revision.
#
#     scripts/shape.sh [REVISION]
#
# Circles are found by tests/layout.rs of the working tree, whatever the revision.
set -euo pipefail
cd "$(dirname "$0")/.."

root=$PWD
if [ $# -gt 0 ]; then
    copy=$(mktemp -d)
    trap 'rm -rf "$copy"' EXIT
    git archive "$1" src | tar -x -C "$copy"
    root=$copy
fi

# Without files that only tests compile: those of a module under `#[cfg(test)]`.
files() {
    (cd "$root" && find src -name '*.rs') | grep -vE '/(tests|scenarios)(\.rs$|/)' | sort
}

# Each file without its modules of tests, which stand at its end.
without_tests() {
    awk '/^#\[cfg\(test\)\]$/ { held = $0; next }
         held && /^mod .*\{$/ { exit }
         held && /^mod .*;$/ { held = ""; next }
         held { print held; held = "" }
         { print }' "$root/$1"
}

lines_by_file() {
    files | while read -r file; do
        printf '%s %s\n' "$(without_tests "$file" | wc -l)" "$file"
    done | sort -rn
}

all() { files | while read -r file; do without_tests "$file"; done; }

# Types with a Display written by hand that are errors: by their name, or by an `impl Error`.
displayed_errors() {
    local displayed errors
    displayed=$(all | sed -nE 's/^impl(<[^>]*>)? (std::)?(fmt::)?Display for (\w+).*/\4/p' | sort -u)
    errors=$(all | sed -nE 's/^impl(<[^>]*>)? ((std|core)::)?(error::)?Error for (\w+).*/\5/p' | sort -u)
    comm -12 <(echo "$displayed") <({ echo "$errors"; echo "$displayed" | grep -E 'Error$' || true; } | sort -u) | grep -c . || true
}

lines=$(lines_by_file)
echo "files: $(echo "$lines" | wc -l)"
echo "folders: $(find "$root/src" -mindepth 1 -type d | grep -vE '/src/.*(tests|scenarios)$' | wc -l), and $(find "$root/src" -maxdepth 1 -name '*.rs' | wc -l) files beside them"
echo "lines without tests: $(echo "$lines" | awk '{ sum += $1 } END { print sum }')"
echo "largest file: $(echo "$lines" | sed -n '1s/\([0-9]*\) \(.*\)/\2, \1 lines/p')"
SHAPE_OF=$root/src cargo test -q --test layout -- --ignored --nocapture --exact shape | grep -E '^(circles|    [a-z])'
echo "\`as usize]\`: $(all | grep -o 'as usize\]' | wc -l)"
echo "\`#[inline]\`, in any form: $(all | grep -c '#\[inline' || true)"
echo "hand-written Display of errors: $(displayed_errors)"
echo "functions with a settings parameter: $(all | grep -cE '\bsettings: &(mut )?(\w+::)*Settings' || true)"
