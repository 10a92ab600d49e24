//! [`difference`]: what was expected against what was found, line by line, where two lines would not show it.

use std::fmt::Write;

use similar::algorithms::{Capture, Compact, Replace, myers};
use similar::{ChangeTag, DiffOp};

use super::ink::Ink;
use super::terminal::Terminal;
use crate::report::fold::fold;

/// Values of which one is longer than this are taken apart if they are JSON.
const LONG: usize = 80;

/// Equal lines that are kept before and after each difference.
const AROUND: usize = 2;

/// Writes both values: one line each if they are short, else only what differs.
pub(super) fn write(text: &mut String, expected: &str, found: &str, terminal: Terminal) {
    let Terminal { width, ink } = terminal;
    // Writing to a string cannot fail.
    let Some(lines) = Lines::of(expected, found) else {
        for (line, label) in folded(expected, width, LABELS.0) {
            let _ = writeln!(text, "{label}{}", ink.right(&line));
        }
        for (line, label) in folded(found, width, LABELS.1) {
            let _ = writeln!(text, "{label}{}", ink.wrong(&line));
        }
        return;
    };
    let _ = writeln!(text, "  {} and {}{}", ink.right(&"- expected"), ink.wrong(&"+ found"), lines.before);
    let expected: Vec<&str> = lines.expected.lines().collect();
    let found: Vec<&str> = lines.found.lines().collect();
    let mut shown_up_to = 0;
    for group in groups(&expected, &found) {
        let start = group.first().map_or(0, |op| op.old_range().start);
        left_out(text, start - shown_up_to, ink);
        for change in group.iter().flat_map(|op| op.iter_changes(&expected, &found)) {
            for line in fold(change.value(), width - 6) {
                let _ = match change.tag() {
                    ChangeTag::Equal => writeln!(text, "{}", format!("      {line}").trim_end()),
                    ChangeTag::Delete => writeln!(text, "    {}", ink.right(&format!("- {line}"))),
                    ChangeTag::Insert => writeln!(text, "    {}", ink.wrong(&format!("+ {line}"))),
                };
            }
        }
        shown_up_to = group.last().map_or(shown_up_to, |op| op.old_range().end);
    }
    left_out(text, expected.len() - shown_up_to, ink);
}

/// The labels of the two values.
const LABELS: (&str, &str) = ("  expected: ", "     found: ");

/// The lines of a value, each with the label or the columns before it.
fn folded(value: &str, width: usize, label: &'static str) -> Vec<(String, &'static str)> {
    const FURTHER: &str = "            ";
    let lines = fold(value, width - label.len());
    lines.into_iter().zip([label].into_iter().chain(std::iter::repeat(FURTHER))).collect()
}

/// Finds the lines that differ, with the equal ones around them. It does as `similar::capture_diff_slices` does, but that
/// one is compiled for all of its algorithms, whichever is asked for.
fn groups(expected: &[&str], found: &[&str]) -> Vec<Vec<DiffOp>> {
    let mut changes = Compact::new(Replace::new(Capture::new()), expected, found);
    let Ok(()) = myers::diff(&mut changes, expected, 0..expected.len(), found, 0..found.len());
    changes.into_inner().into_inner().into_grouped_ops(AROUND)
}

fn left_out(text: &mut String, lines: usize, ink: Ink) {
    if lines > 0 {
        let _ = writeln!(text, "      {}", ink.faint(&format!("... {lines} more ...")));
    }
}

/// Values that are to be compared line by line.
struct Lines {
    /// Gives the text before the JSON of both.
    before: String,
    expected: String,
    found: String,
}

impl Lines {
    /// `None` if two lines show it as well.
    fn of(expected: &str, found: &str) -> Option<Lines> {
        let is_long = |text: &str| text.chars().count() > LONG;
        let is_folded = |text: &str| text.trim_end().contains('\n');
        if let (Some((before, one)), Some((before_other, other))) = (json(expected), json(found))
            && before == before_other
            && one != other
            && (is_long(expected) || is_long(found))
        {
            let before = if before.is_empty() { String::new() } else { format!(": {}", before.trim_end()) };
            return Some(Lines { before, expected: one, found: other });
        }
        if is_folded(expected) || is_folded(found) {
            let lines = |text: &str| format!("{}\n", text.trim_end());
            return Some(Lines { before: String::new(), expected: lines(expected), found: lines(found) });
        }
        None
    }
}

/// The words before an object or a list, and that on lines of its own: `completed with {"rows":1}`.
fn json(text: &str) -> Option<(&str, String)> {
    let (before, value) = text.split_at(text.find(['{', '['])?);
    let value: serde_json::Value = serde_json::from_str(value).ok()?;
    let mut lines = serde_json::to_string_pretty(&value).ok()?;
    lines.push('\n');
    Some((before, lines))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(expected: &str, found: &str, text: &str) {
        let mut written = String::new();
        write(&mut written, expected, found, Terminal { width: 200, ..Terminal::PLAIN });
        assert_eq!(written.trim_end(), text.trim_start_matches('\n').trim_end(), "\n{written}");
    }

    #[test]
    fn short_values_stay_on_a_line_each() {
        shows("completed with 1", "completed with 2", "  expected: completed with 1\n     found: completed with 2");
        shows(r#"{"a":1}"#, r#"{"a":2}"#, "  expected: {\"a\":1}\n     found: {\"a\":2}");
    }

    #[test]
    fn of_long_json_only_what_differs_is_shown() {
        let value = |checksum: &str, rows: &[u32]| {
            format!(
                "completed with {}",
                serde_json::json!({"bucket": "archive", "checksum": checksum, "files": ["a", "b", "c", "d", "e"],
                    "rows": rows, "version": 3})
            )
        };
        shows(
            &value("9f2c", &[1, 2, 3]),
            &value("init-10", &[1, 3]),
            r#"
  - expected and + found: completed with
      {
        "bucket": "archive",
    -   "checksum": "9f2c",
    +   "checksum": "init-10",
        "files": [
          "a",
      ... 5 more ...
        "rows": [
          1,
    -     2,
          3
        ],
      ... 2 more ...
"#,
        );
    }

    #[test]
    fn of_texts_of_several_lines_too() {
        shows(
            "one\ntwo\nthree\n",
            "one\n2\nthree",
            "  - expected and + found\n      one\n    - two\n    + 2\n      three",
        );
    }

    #[test]
    fn what_is_no_json_on_both_sides_stays_on_a_line_each() {
        let long = format!("completed with {{\"text\":\"{}\"}}", "x".repeat(100));
        shows(&long, "timed out", &format!("  expected: {long}\n     found: timed out"));
        let other = long.replace("completed", "failed");
        shows(&long, &other, &format!("  expected: {long}\n     found: {other}"));
    }
}
