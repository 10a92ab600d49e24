//! Texts kept in `snapshots/`, for people to review: wrapped, so that they fit beside each other.

/// The columns of a line.
const WIDTH: usize = 120;

/// The places of code change with every edit of its file: `tests/promises/places.rs:7:3` is kept as
/// `tests/promises/places.rs:LINE`.
fn without_places(text: &str) -> String {
    const PLACE: &str = ".rs:";
    let mut parts = text.split(PLACE);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = |text: &'_ str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let rest = &part[digits(part)..];
        let column = rest.strip_prefix(':').map_or(0, digits);
        let rest = if column > 0 { &rest[1 + column..] } else { rest };
        out += &format!("{PLACE}LINE{rest}");
    }
    out
}

/// Compares a text with the snapshot of this name.
#[track_caller]
pub fn assert_kept(name: &str, text: &str) {
    insta::with_settings!(
        { snapshot_path => "../../snapshots", prepend_module_to_snapshot => false, omit_expression => true },
        { insta::assert_snapshot!(name, wrapped(&without_places(text))) }
    );
}

/// A failure's text with its words on one line, as they were before the box broke them into several.
#[allow(dead_code, reason = "some of the binaries that have this file need it")]
pub fn unfolded(text: &str) -> String {
    text.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
}

/// Breaks long lines between words. The rest of a line stands two columns further in than its beginning.
fn wrapped(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines().map(without_runner) {
        let indent = line.len() - line.trim_start().len() + 2;
        let mut rest = line;
        while let Some(end) = last_break(&rest, indent) {
            let next = format!("{:indent$}{}", "", rest[end..].trim_start());
            rest.truncate(end);
            lines.push(rest);
            rest = next;
        }
        lines.push(rest);
    }
    lines.join("\n")
}

/// The command to paste without what depends on who runs the test: cargo or nextest, and in which profile.
fn without_runner(line: &str) -> String {
    let command = line.starts_with("DURASIM_PLAN='").then(|| line.split_once("' cargo ")).flatten();
    command.map_or(line.to_owned(), |(plan, _)| format!("{plan}' cargo .."))
}

/// The place where a line that is too long ends: before its last space that fits, behind its first word.
fn last_break(line: &str, indent: usize) -> Option<usize> {
    let (too_far, _) = line.char_indices().nth(WIDTH)?;
    line[..=too_far].rfind(' ').filter(|end| *end > indent)
}

#[test]
fn long_lines_are_wrapped_between_words() {
    let words = |count: usize| vec!["abcde"; count].join(" ");
    assert_eq!(wrapped(&words(20)), words(20));
    // 20 words and the spaces between them take 119 columns.
    assert_eq!(wrapped(&format!("  {}", words(40))), format!("  {}\n    {}\n    {}", words(19), words(19), words(2)));
    let one_word = "x".repeat(2 * WIDTH);
    assert_eq!(wrapped(&one_word), one_word);
}
