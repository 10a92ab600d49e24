//! [`Terminal`]: how wide a message may be, and whether it is coloured.

use console::Term;

use super::ink::Ink;

/// The width of which nothing is known.
pub(super) const USUAL: usize = 80;

/// The place where messages go.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Terminal {
    /// In columns.
    pub(super) width: usize,
    pub(super) ink: Ink,
}

impl Terminal {
    /// A file, or a terminal of which nothing is known.
    pub(super) const PLAIN: Terminal = Terminal { width: USUAL, ink: Ink::Plain };

    /// The terminal of this process.
    pub(super) fn of_stderr() -> Terminal {
        let size = Term::stderr().size_checked().or_else(|| Term::stdout().size_checked());
        let of_shell = || std::env::var("COLUMNS").ok()?.trim().parse().ok();
        let width = size.map(|(_, columns)| usize::from(columns)).or_else(of_shell).filter(|columns| *columns > 0);
        Terminal { width: width.unwrap_or(USUAL).max(LEAST), ink: Ink::of_terminal() }
    }
}

/// Nothing is legible in fewer columns, so lines wrap there.
const LEAST: usize = 40;
