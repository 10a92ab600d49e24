//! A report that does not hold is told: to whoever reads the terminal, and to whoever catches the panic.

use std::panic::resume_unwind;

use super::frame::{Frame, Row};
use super::groups::Group;
use super::report::{Part, Report};
use super::terminal::{Terminal, USUAL};
use crate::report::fold::{columns, fold};
use crate::report::plain;

impl Report {
    /// Prints why it does not hold, and unwinds past the panic hook: its lines would stand below the box.
    pub(super) fn fail(&self) -> ! {
        if is_uncaptured() {
            println!("{self}");
        }
        // Captured by libtest, as a panic's message is.
        eprint!("\n{}", self.told(Terminal::of_stderr()));
        resume_unwind(Box::new(self.failure_text()))
    }

    /// All that is printed, with the most telling failure last.
    fn told(&self, terminal: Terminal) -> String {
        let mut text = String::new();
        let groups = Group::of(self);
        let Some((first, others)) = groups.split_first() else { return self.told_without_failure(terminal) };
        for other in others {
            text.push_str(&other.first.message.without_timeline(terminal, other.also(&[]).as_deref()));
            text.push('\n');
        }
        for line in self.asides().iter().flat_map(|line| fold(line, terminal.width)) {
            text.push_str(&format!("{line}\n"));
        }
        let mut also: Vec<&str> = Vec::new();
        // Those that were only counted.
        let explained = |check: &&str| self.failures.iter().any(|failed| failed.check == **check);
        for Part { tally, .. } in &self.parts {
            also.extend(tally.violations.keys().map(String::as_str).filter(|check| !explained(check)));
        }
        let mut also = first.also(&also);
        if !others.is_empty() {
            let above = match others.len() {
                1 => "another failure stands above".to_owned(),
                more => format!("{more} other failures stand above"),
            };
            also = Some(also.map_or(above.clone(), |also| format!("{also}; {above}")));
        }
        text + &first.first.message.text(terminal, also.as_deref())
    }

    /// The error, or why no failure is known.
    fn told_without_failure(&self, terminal: Terminal) -> String {
        let wrong = match &self.error {
            Some(error) => format!("no verdict: {}", plain(&error.to_string())),
            None => "no verdict: Ctrl-C or SIGTERM ended it before all runs were made".to_owned(),
        };
        let framed = Frame { title: &self.name, rows: vec![Row::Wrong(wrong.clone())], command: None }.framed(terminal);
        // A path that the box would break is to be copied.
        let has_long_word = wrong.split_whitespace().any(|word| columns(word) > terminal.width.min(USUAL) - 2);
        let whole = if framed.is_cut || has_long_word { format!("{}: {wrong}\n\n", self.name) } else { String::new() };
        whole + &framed.text
    }

    /// Further facts that whoever reads the failure has to know, a line each.
    fn asides(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.error.as_ref().map(|error| plain(&format!("{}: {error}", self.name))));
        if self.interrupted {
            lines.push("Ctrl-C or SIGTERM ended it: not all runs were made".to_owned());
        }
        if let Some(file) = &self.file {
            match self.written {
                None if self.has_news() => {
                    lines.push(format!("to keep the plan in {file}, run this again with DURASIM_REGRESSIONS=write"));
                }
                _ => {}
            }
        }
        lines
    }

    /// All of it without lines cut for a terminal: what the thread unwinds with.
    fn failure_text(&self) -> String {
        let mut text = String::new();
        for failed in &self.failures {
            text.push_str(&format!("{}\n{}\n", failed.message.headline(), failed.text));
        }
        self.asides().iter().for_each(|line| text.push_str(&format!("{line}\n")));
        if self.error.is_none() {
            text.push_str(&self.to_string());
        }
        text
    }
}

/// Says whether whoever runs the test asked to see all that it prints. Nextest always does, and captures that.
fn is_uncaptured() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    let asked = std::env::args().any(|argument| argument == "--nocapture" || argument == "--no-capture");
    !is_set("NEXTEST") && (asked || is_set("RUST_TEST_NOCAPTURE"))
}
