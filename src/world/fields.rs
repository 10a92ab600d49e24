//! [`Line`] and [`Fields`]: the text of what code logs with `tracing`, cut where it is long.

use std::fmt::{self, Write};

use tracing_core::Metadata;
use tracing_core::field::{Field, Visit};

/// The number of characters that are kept of a line.
const LONGEST: usize = 200;

/// A text that is written on one line, up to its longest length. All that there was is counted.
#[derive(Clone, Default)]
pub(super) struct Line {
    pub(super) text: String,
    /// The characters in it.
    kept: usize,
    /// The characters that there were.
    written: usize,
}

impl Line {
    /// Begins a line with the level.
    pub(super) fn of(metadata: &Metadata<'_>) -> Line {
        let mut line = Line::default();
        let _ = write!(line, "{} ", metadata.level());
        line
    }

    /// Adds another one behind a space, if there is anything in it.
    pub(super) fn append(&mut self, other: &Line) {
        if other.written > 0 {
            let _ = write!(self, " {}", other.text);
            self.written += other.written - other.kept;
        }
    }

    /// Gives the text, with the length of all that there was if it is cut.
    pub(super) fn into_text(self) -> String {
        if self.written > self.kept { format!("{}.. ({} characters)", self.text, self.written) } else { self.text }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            self.written += 1;
            if self.kept == LONGEST {
                continue;
            }
            self.kept += 1;
            if c.is_control() {
                self.text.extend(c.escape_default());
            } else {
                self.text.push(c);
            }
        }
        Ok(())
    }
}

/// The message, and the other fields: `file=3 name="a"`.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) message: Line,
    pub(super) others: Line,
}

impl Fields {
    /// Writes all fields behind the name of a span: `{file=3}`.
    pub(super) fn write_in_braces(&self, line: &mut Line) {
        if self.message.written + self.others.written > 0 {
            let _ = line.write_char('{');
            let space = if self.message.written > 0 && self.others.written > 0 { " " } else { "" };
            let _ = write!(line, "{}{space}{}", self.message.text, self.others.text);
            let _ = line.write_char('}');
        }
    }

    fn write(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        // An error of a user's formatting is nobody's.
        let _ = match field.name() {
            "message" => self.message.write_fmt(value),
            name => {
                let space = if self.others.written > 0 { " " } else { "" };
                self.others.write_fmt(format_args!("{space}{name}={value}"))
            }
        };
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.write(field, format_args!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.write(field, format_args!("{value}")),
            _ => self.write(field, format_args!("{value:?}")),
        }
    }
}
