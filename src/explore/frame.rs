//! [`Frame`]: a failure in a box that fits on one screen beside the last lines of the test runner.

use std::fmt::Write;

use super::ink::Ink;
use super::terminal::{Terminal, USUAL};
use crate::report::fold::{columns, cut, cut_lines, cut_place, differing, fold, fold_into};

/// Lines of the box, with those that the command takes below it.
const LINES: usize = 14;

/// Columns of a row's label.
const LABEL: usize = 10;

/// A failure in a few rows, and the command below them.
#[derive(Clone, Debug)]
pub(super) struct Frame<'a> {
    pub(super) title: &'a str,
    pub(super) rows: Vec<Row<'a>>,
    /// The last line of the frame, which introduces the command, and the command.
    pub(super) command: Option<(String, &'a str)>,
}

/// A row of the box, which may take several lines.
#[derive(Clone, Debug)]
pub(super) enum Row<'a> {
    /// The sentence that says what is wrong.
    Wrong(String),
    /// The expected value and the one that was found.
    Differ(&'a str, &'a str),
    Fault(&'a str),
    /// Calls of user code and their places, one a line.
    Code(&'a str),
    Plain(&'static str, &'a str),
}

/// A box as text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Framed {
    pub(super) text: String,
    /// True if something did not fit.
    pub(super) is_cut: bool,
}

impl Frame<'_> {
    pub(super) fn framed(&self, terminal: Terminal) -> Framed {
        let Terminal { width: terminal_width, ink } = terminal;
        let width = terminal_width.min(USUAL);
        let command_lines = self.command.as_ref().map_or(0, |(_, command)| columns(command).div_ceil(terminal_width));
        // The first and the last line are the frame's.
        let room = LINES.saturating_sub(command_lines + 2);
        let wanted: Vec<usize> = self.rows.iter().map(|row| row.lines(width)).collect();
        // Rows that say more of the same lose lines before those that say what is wrong, and by which fault.
        let first: Vec<usize> =
            self.rows.iter().zip(&wanted).map(|(row, wanted)| row.least_at_first(*wanted)).collect();
        let least: Vec<usize> = self.rows.iter().map(Row::least).collect();
        let given = shared(&shared(&wanted, &first, room), &least, room);
        let mut text = String::new();
        // Writing to a string cannot fail.
        let title = format!("╭─ {} ", cut(self.title, width - 5));
        let line = "─".repeat(width - columns(&title));
        let _ = writeln!(text, "{}{}", ink.heading(&title), ink.faint(&line));
        for (row, given) in self.rows.iter().zip(&given) {
            row.write(&mut text, *given, width, ink);
        }
        match &self.command {
            None => {
                let _ = writeln!(text, "{}", ink.faint(&format!("╰{}", "─".repeat(width - 1))));
            }
            Some((hint, command)) => {
                let _ = writeln!(text, "{}{}", ink.faint(&"╰─ "), cut(hint, width - 3));
                let _ = writeln!(text, "{}", ink.command(command));
            }
        }
        let is_cut = self.rows.iter().zip(wanted.iter().zip(&given)).any(|(row, (wanted, given))| {
            wanted > given || matches!(row, Row::Differ(expected, found) if is_folded(expected) || is_folded(found))
        });
        Framed { text, is_cut }
    }
}

/// Takes lines away from the longest rows, the last of them first, until all fit or each has its least.
fn shared(wanted: &[usize], least: &[usize], room: usize) -> Vec<usize> {
    let mut given = wanted.to_vec();
    while given.iter().sum::<usize>() > room {
        let may_lose = |row: &usize| given[*row] > least[*row];
        let Some(longest) = (0..given.len()).filter(may_lose).max_by_key(|row| given[*row]) else { break };
        given[longest] -= 1;
    }
    given
}

fn is_folded(value: &str) -> bool {
    value.trim_end().contains('\n')
}

/// A value of several lines as one.
fn on_one_line(value: &str) -> String {
    value.trim_end().replace('\n', "\\n")
}

impl Row<'_> {
    /// The lines that it takes to show all of it.
    fn lines(&self, width: usize) -> usize {
        let room = width - 2;
        match self {
            Row::Wrong(text) => fold(text, room).len(),
            Row::Differ(expected, found) => {
                let lines = |value: &str| fold(&on_one_line(value), room - LABEL).len().max(1);
                lines(expected) + lines(found)
            }
            Row::Fault(text) | Row::Code(text) | Row::Plain(_, text) => fold(text, room - LABEL).len(),
        }
    }

    /// The lines that it keeps as long as others can lose some.
    fn least_at_first(&self, wanted: usize) -> usize {
        match self {
            Row::Code(_) | Row::Plain(..) => wanted.min(1),
            Row::Wrong(_) | Row::Differ(..) | Row::Fault(_) => wanted,
        }
    }

    /// The lines that it needs, even if the command takes the screen.
    fn least(&self) -> usize {
        match self {
            Row::Differ(..) => 2,
            Row::Wrong(_) | Row::Fault(_) | Row::Code(_) | Row::Plain(..) => 1,
        }
    }

    /// Writes it on so many lines.
    fn write(&self, text: &mut String, lines: usize, width: usize, ink: Ink) {
        let room = width - 2;
        let labelled = |text: &str| cut_lines(fold(text, room - LABEL), lines, room - LABEL);
        match self {
            Row::Wrong(message) => {
                for line in cut_lines(fold(message, room), lines, room) {
                    let _ = writeln!(text, "{} {}", ink.faint(&"│"), ink.wrong(&line));
                }
            }
            Row::Differ(expected, found) => {
                let (expected, found) = (on_one_line(expected), on_one_line(found));
                let whole = [&expected, &found].map(|value| fold(value, room - LABEL));
                let (expected, found) = if whole[0].len().max(1) + whole[1].len().max(1) > lines {
                    let [for_expected, for_found] = halves(whole.map(|lines| lines.len().max(1)), lines);
                    let columns = |lines: usize| lines * (room - LABEL);
                    let (expected, found) = differing((&expected, columns(for_expected)), (&found, columns(for_found)));
                    (fold_into(&expected, room - LABEL, for_expected), fold_into(&found, room - LABEL, for_found))
                } else {
                    let [expected, found] = whole;
                    (expected, found)
                };
                write_row(text, "expected", &expected, ink, |line| ink.right(&line).to_string());
                write_row(text, "found", &found, ink, |line| ink.wrong(&line).to_string());
            }
            Row::Fault(faults) => {
                write_row(text, "fault", &labelled(faults), ink, |line| ink.fault(&line).to_string());
            }
            Row::Code(places) => {
                let whole = fold(places, room - LABEL);
                let short = || places.lines().map(|place| cut_place(place, room - LABEL)).collect();
                let shown = if whole.len() <= lines { whole } else { cut_lines(short(), lines, room - LABEL) };
                write_row(text, "code", &shown, ink, str::to_owned);
            }
            Row::Plain(label, value) => write_row(text, label, &labelled(value), ink, str::to_owned),
        }
    }
}

/// Gives each of two values a half of the lines, and what the other does not need.
fn halves([one, other]: [usize; 2], lines: usize) -> [usize; 2] {
    let given = one.min(lines.saturating_sub(other).max(lines / 2)).max(1);
    [given, lines.saturating_sub(given).max(1)]
}

fn write_row(text: &mut String, label: &str, lines: &[String], ink: Ink, styled: impl Fn(&str) -> String) {
    let empty = [String::new()];
    let lines = if lines.is_empty() { &empty } else { lines };
    for (line, label) in lines.iter().zip([label].into_iter().chain(std::iter::repeat(""))) {
        let row = format!("{label:<LABEL$}{}", styled(line));
        let _ = writeln!(text, "{} {}", ink.faint(&"│"), row.trim_end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<'a>(rows: Vec<Row<'a>>, command: &'a str) -> Frame<'a> {
        Frame { title: "test", rows, command: Some(("again:".to_owned(), command)) }
    }

    #[test]
    fn a_box_and_its_command_take_at_most_so_many_lines_and_columns() {
        let words = "word ".repeat(400);
        let rows = || {
            vec![
                Row::Wrong(words.clone()),
                Row::Differ(&words, "short"),
                Row::Fault("first\nsecond\nthird"),
                Row::Plain("at last", &words),
                Row::Plain("also", "another"),
            ]
        };
        for command in ["x".repeat(10), "x".repeat(200), "x".repeat(330)] {
            for width in [40, 80, 120] {
                let framed = frame(rows(), &command).framed(Terminal { width, ..Terminal::PLAIN });
                let lines: Vec<&str> = framed.text.lines().collect();
                let (last, boxed) = lines.split_last().unwrap();
                assert_eq!(*last, command, "the command is in one piece");
                assert!(boxed.iter().all(|line| columns(line) <= width.min(80)), "{}", framed.text);
                let all = boxed.len() + columns(last).div_ceil(width);
                assert!(all <= LINES || width == 40, "{all} lines at {width} columns:\n{}", framed.text);
                assert!(framed.is_cut && framed.text.contains("fault     first"), "{}", framed.text);
            }
        }
    }

    #[test]
    fn values_are_cut_where_they_differ() {
        let value = |number: u32| format!("[{}{number}{}]", "1,".repeat(200), ",2".repeat(200));
        let (expected, found) = (value(7), value(8));
        let framed = frame(vec![Row::Wrong("wrong\n".repeat(9)), Row::Differ(&expected, &found)], "again")
            .framed(Terminal::PLAIN);
        let lines: Vec<&str> =
            framed.text.lines().filter(|line| line.contains(",7,") || line.contains(",8,")).collect();
        assert_eq!(lines.len(), 2, "{}", framed.text);
    }

    #[test]
    fn what_fits_stands_whole() {
        let rows = vec![Row::Wrong("it is wrong".to_owned()), Row::Differ("1", "2"), Row::Plain("at last", "it ended")];
        let framed = frame(rows, "cargo test").framed(Terminal { width: 40, ..Terminal::PLAIN });
        let text = "\
╭─ test ────────────────────────────────
│ it is wrong
│ expected  1
│ found     2
│ at last   it ended
╰─ again:
cargo test
";
        assert_eq!(framed, Framed { text: text.to_owned(), is_cut: false });
    }
}
