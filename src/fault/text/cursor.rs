//! [`Cursor`]: a position in a plan's text, and the text from there.

use std::borrow::Cow;
use std::sync::Arc;

use crate::fault::PlanError;
use crate::fault::point::{bare_len, quoted_len};

/// An example of a fault, for messages.
pub(super) const EXAMPLE: &str = "`process_large_file#1@1:await5=crash`";

/// A position in a text that moves forward as it is read.
#[derive(Clone, Debug)]
pub(super) struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

/// A name as it stood in the text.
#[derive(Debug)]
pub(super) struct Spelled<'a> {
    /// Its position, for errors.
    pub at: usize,
    /// The name, without quotes and escapes.
    pub name: Cow<'a, str>,
    /// Says whether it stood in quotes.
    pub quoted: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor { text, at: 0 }
    }

    /// The present position, for [`Cursor::error`].
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest().is_empty()
    }

    pub(super) fn skip_spaces(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Moves past `wanted` if it is next.
    pub(super) fn eat(&mut self, wanted: char) -> bool {
        let next = self.rest().strip_prefix(wanted);
        if let Some(rest) = next {
            self.at = self.text.len() - rest.len();
        }
        next.is_some()
    }

    /// Moves past `wanted`, or gives an error with the character that is there instead. `why` says what `wanted` is for
    /// and shows the right form.
    pub(super) fn expect(&mut self, wanted: char, why: &str) -> Result<(), PlanError> {
        if self.eat(wanted) {
            return Ok(());
        }
        Err(self.error_here(format!("expected `{wanted}` {why}, found {}", self.found())))
    }

    /// Takes the longest run of such characters, which may be empty.
    pub(super) fn take_while(&mut self, mut fits: impl FnMut(char) -> bool) -> &'a str {
        let rest = self.rest();
        let len = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// Takes letters, digits and `_`: a keyword.
    pub(super) fn word(&mut self) -> &'a str {
        self.take_while(|c| c.is_alphanumeric() || c == '_')
    }

    /// Takes a count: digits, from 1, without leading zeros. `what` names the count and shows the right form.
    pub(super) fn count(&mut self, what: &str) -> Result<u32, PlanError> {
        let at = self.at;
        let digits = self.take_while(|c| c.is_ascii_digit());
        let problem = match digits.parse::<u32>() {
            _ if digits.is_empty() => format!("expected {what}, found {}", self.found()),
            Ok(_) if digits.starts_with('0') => {
                format!("expected {what}, found `{digits}`: it counts from 1, without leading zeros")
            }
            Ok(count) => return Ok(count),
            Err(_) => format!("expected {what}, found `{digits}`, which is more than {}", u32::MAX),
        };
        Err(self.error(at, problem))
    }

    /// Takes a bare or quoted name. `what` names its role and shows the right form.
    pub(super) fn name(&mut self, what: &str) -> Result<Spelled<'a>, PlanError> {
        let (at, rest) = (self.at, self.rest());
        if !rest.starts_with('"') {
            let len = bare_len(rest);
            if len == 0 {
                return Err(self.error_here(format!("expected {what}, found {}", self.found())));
            }
            self.at += len;
            return Ok(Spelled { at, name: Cow::Borrowed(&rest[..len]), quoted: false });
        }
        let Some(len) = quoted_len(rest) else {
            return Err(self.error_here("this quoted name has no closing `\"`".to_owned()));
        };
        match serde_json::from_str(&rest[..len]) {
            Ok(name) => {
                self.at += len;
                Ok(Spelled { at, name: Cow::Owned(name), quoted: true })
            }
            Err(why) => Err(self.error_here(format!("this quoted name is not a JSON string: {why}"))),
        }
    }

    /// The next character, for messages.
    pub(super) fn found(&self) -> String {
        match self.peek() {
            Some(next) => format!("`{next}`"),
            None => "the end".to_owned(),
        }
    }

    pub(super) fn error_here(&self, problem: String) -> PlanError {
        self.error(self.at, problem)
    }

    pub(super) fn error(&self, at: usize, problem: String) -> PlanError {
        PlanError { column: self.text[..at].chars().count() + 1, problem }
    }
}

impl Spelled<'_> {
    pub(super) fn into_name(self) -> Arc<str> {
        Arc::from(self.name)
    }
}
