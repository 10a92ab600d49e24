//! [`An`] and [`Counted`]: articles and plurals of messages.

use std::fmt;

/// A word with its article: `a workflow`, `an activity`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct An<'a>(pub &'a str);

impl fmt::Display for An<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let article = if self.0.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        write!(f, "{article} {}", self.0)
    }
}

/// A number of things: `1 command`, `2 commands`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counted<'a, N>(pub N, pub &'a str);

impl<N: fmt::Display + PartialEq + From<u8>> fmt::Display for Counted<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counted(count, thing) = self;
        write!(f, "{count} {thing}{}", if *count == N::from(1) { "" } else { "s" })
    }
}

/// Says whether a terminal moves other characters because of this one.
pub(crate) fn is_mark_of_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn articles_and_plurals_follow_the_word_and_the_number() {
        let words = ["workflow", "activity", "effect", "signal", "update"].map(|word| An(word).to_string());
        assert_eq!(words, ["a workflow", "an activity", "an effect", "a signal", "an update"]);
        let counts = [0u32, 1, 2].map(|count| Counted(count, "event").to_string());
        assert_eq!(counts, ["0 events", "1 event", "2 events"]);
    }
}
