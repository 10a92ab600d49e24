//! [`Name`] and [`Id`]: names as plans spell them.

use std::fmt::{self, Write};

use crate::program::is_mark_of_direction;

/// An activity, workflow or exploration name: bare where that is clear, else a JSON string.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name<'a>(pub &'a str);

/// A workflow id. It is spelled as a [`Name`], but quoted if it holds a `/`, which begins the run's number there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Id<'a>(pub &'a str);

/// Counts the bytes at the start of the text that are a bare name.
pub(in crate::fault) fn bare_len(text: &str) -> usize {
    let begins = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(begins) {
        return 0;
    }
    let mut len = 1;
    while let Some(byte) = bytes.get(len) {
        if begins(byte) || matches!(byte, b'-' | b'.' | b'/') {
            len += 1;
        } else if bytes[len..].starts_with(b"::") && bytes.get(len + 2).is_some_and(begins) {
            len += 3;
        } else {
            break;
        }
    }
    len
}

/// Counts the bytes at the start of the text that are a JSON string, quotes included. `None` if it does not end.
pub(in crate::fault) fn quoted_len(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

fn write_quoted(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let quoted = serde_json::to_string(name).map_err(|_| fmt::Error)?;
    for c in quoted.chars() {
        // A plan stands between single quotes in a shell, and on a terminal, which obeys controls and marks of direction.
        if c == '\'' || c.is_control() || is_mark_of_direction(c) {
            write!(f, "\\u{:04x}", u32::from(c))?;
        } else {
            f.write_char(c)?;
        }
    }
    Ok(())
}

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() && bare_len(self.0) == self.0.len() {
            f.write_str(self.0)
        } else {
            write_quoted(self.0, f)
        }
    }
}

impl fmt::Display for Id<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.contains('/') { write_quoted(self.0, f) } else { Name(self.0).fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_where_clear() {
        for name in ["process_large_file", "_x", "7a6f-11", "billing/charge.v2", "tests::resumes", "v1"] {
            assert_eq!(Name(name).to_string(), name);
        }
        assert_eq!(Name("").to_string(), r#""""#);
        assert_eq!(Name("a b").to_string(), r#""a b""#);
        assert_eq!(Name("a:b").to_string(), r#""a:b""#);
        assert_eq!(Name("a::").to_string(), r#""a::""#);
        assert_eq!(Name("-a").to_string(), r#""-a""#);
        assert_eq!(Name("größe").to_string(), r#""größe""#);
        assert_eq!(Name("it's\n\"x\"").to_string(), r#""it\u0027s\n\"x\"""#);
        assert_eq!(Name("a\u{202e}b\u{7f}").to_string(), r#""a\u202eb\u007f""#);
        assert_eq!(Id("orders/2").to_string(), r#""orders/2""#);
        assert_eq!(Id("order-2").to_string(), "order-2");
    }

    #[test]
    fn a_quoted_name_ends_at_its_quote() {
        assert_eq!(quoted_len(r#""a\"b\\"#), None);
        assert_eq!(quoted_len(r#""a\"b\\"rest""#), Some(8));
    }
}
