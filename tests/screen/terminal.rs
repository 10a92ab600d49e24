//! [`Screen`]: what a terminal shows once a test has failed in it.

use std::fmt;
use std::io::Read;

use durasim::explore::VARIABLES;
use pty_process::Size;
use pty_process::blocking::{Command, open};

/// The last screen of a test that ran in a terminal.
pub struct Screen(vt100::Parser);

impl Screen {
    /// Runs a test of this binary, as `cargo test` does, in a terminal of this size.
    pub fn of(test: &str, rows: u16, columns: u16, backtrace: &str) -> Screen {
        let (mut terminal, child_side) = open().unwrap();
        terminal.resize(Size::new(rows, columns)).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command = command.args(["--ignored", "--exact", test, "--test-threads=1"]);
        for name in VARIABLES.iter().map(|variable| variable.name).chain(OF_THE_CALLER) {
            command = command.env_remove(name);
        }
        let mut child =
            command.env("TERM", "xterm-256color").env("RUST_BACKTRACE", backtrace).spawn(child_side).unwrap();
        let mut printed = Vec::new();
        // The end of a terminal whose other side is closed is an error.
        let _ = terminal.read_to_end(&mut printed);
        assert!(!child.wait().unwrap().success());
        // Cargo's line comes last.
        printed.extend_from_slice(
            b"\x1b[1m\x1b[91merror\x1b[0m: test failed, to rerun pass `-p durasim --test screen`\r\n$ ",
        );
        let mut parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        parser.process(&printed);
        Screen(parser)
    }

    /// The lines of the screen. One that is longer than a row is in one piece.
    fn text(&self) -> String {
        self.0.screen().contents()
    }

    #[track_caller]
    pub fn says(&self, words: &str) {
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        // The box breaks sentences into lines.
        let text = plain(&self.text());
        assert!(text.contains(words) || text.replace(" │ ", " ").contains(words), "{words:?} is not on\n{self}");
    }

    /// Some line begins and ends with these words.
    #[track_caller]
    pub fn has_line(&self, start: &str, end: &str) {
        let found = self.text().lines().any(|line| line.starts_with(start) && line.trim_end().ends_with(end));
        assert!(found, "no line begins with {start:?} and ends with {end:?} on\n{self}");
    }

    /// The rows that the box and the command take.
    #[track_caller]
    pub fn failure_rows(&self) -> usize {
        let rows: Vec<String> = self.0.screen().rows(0, self.0.screen().size().1.into()).collect();
        let first = rows.iter().position(|row| row.starts_with("╭─")).unwrap_or_else(|| panic!("no box on\n{self}"));
        let command = rows.iter().position(|row| row.starts_with("DURASIM_PLAN=")).unwrap();
        let end = rows[command..].iter().position(|row| row.trim().is_empty()).unwrap();
        command + end - first
    }
}

/// Variables of whoever runs these tests that would change what is seen.
const OF_THE_CALLER: [&str; 8] = [
    "NEXTEST",
    "NO_COLOR",
    "FORCE_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "RUST_TEST_NOCAPTURE",
    "RUST_TEST_THREADS",
    "COLUMNS",
];

impl fmt::Display for Screen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (rows, columns) = self.0.screen().size();
        writeln!(f, "the screen of {columns}x{rows}:")?;
        self.0.screen().rows(0, columns.into()).try_for_each(|row| writeln!(f, "|{row}"))
    }
}
