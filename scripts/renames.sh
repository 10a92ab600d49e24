#!/usr/bin/env bash
# Replaces the words of docs/renames.md that stand in texts of runs (kind `text`) in tests/golden, and says what changed.
# `scripts/renames.sh --check` changes nothing, and fails if an old word is still there.
set -euo pipefail
cd "$(dirname "$0")/.."

# `old<tab>new` of each row of the kind `text`, without the backquotes.
rows=$(awk -F' *[|] *' '$5 == "text" { gsub(/`/, ""); print $2 "\t" $3 }' docs/renames.md)
[ -n "$rows" ] || { echo "docs/renames.md has no row of the kind text"; exit 0; }

# One substitution for each row, of whole words; nothing in a row is a pattern.
program=$(mktemp)
after=$(mktemp)
trap 'rm -f "$program" "$after"' EXIT
while IFS=$'\t' read -r old new; do
    pattern=$(printf '%s' "$old" | sed 's/[][\.*^$/]/\\&/g')
    [[ $old =~ ^[[:alnum:]_] ]] && pattern="\\b$pattern"
    [[ $old =~ [[:alnum:]_]$ ]] && pattern="$pattern\\b"
    printf 's/%s/%s/g\n' "$pattern" "$(printf '%s' "$new" | sed 's/[\&/]/\\&/g')"
done <<<"$rows" >"$program"

changed=0
for file in tests/golden/*.snap; do
    # The lines up to the second `---` are insta's own.
    head=$(awk '$0 == "---" && ++count == 2 { print NR; exit }' "$file")
    { head -n "$head" "$file"; tail -n +"$((head + 1))" "$file" | sed -f "$program"; } >"$after"
    cmp -s "$file" "$after" && continue
    changed=$((changed + 1))
    echo "$file"
    [ "${1:-}" = --check ] || cat "$after" >"$file"
done
if [ "${1:-}" = --check ] && [ "$changed" -gt 0 ]; then
    echo "$changed files of tests/golden have words that are renamed" >&2
    exit 1
fi
echo "$changed files changed"
