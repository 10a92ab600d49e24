//! [`excerpt`] and [`ends`]: bytes as one line of text, of which the beginning is kept, or both ends are.

use crate::program::is_mark_of_direction;

/// The bytes as one line of at most `width` characters. A cut text ends in `..`; control characters are escaped, and
/// bytes that are not UTF-8 are as well.
pub(super) fn excerpt(bytes: &[u8], width: usize) -> String {
    let (beginning, is_cut) = beginning(bytes, width);
    if is_cut { with_length(beginning, bytes) } else { beginning }
}

/// Absurdly long bytes, from this many on, are shown with their number where they are cut.
const LONG: usize = 1_000;

fn with_length(shown: String, bytes: &[u8]) -> String {
    if bytes.len() < LONG { shown } else { format!("{shown} ({} bytes)", bytes.len()) }
}

/// And whether there is more. No more is looked at than can be shown.
fn beginning(bytes: &[u8], width: usize) -> (String, bool) {
    // A character has four bytes at most.
    let shown = &bytes[..bytes.len().min(width.saturating_add(1).saturating_mul(4))];
    match std::str::from_utf8(shown) {
        Ok("") => ("(empty)".to_owned(), false),
        Ok(text) => cut(text.chars(), width),
        // The last character is cut in two.
        Err(why) if why.error_len().is_none() && shown.len() < bytes.len() => {
            cut(std::str::from_utf8(&shown[..why.valid_up_to()]).unwrap_or_default().chars(), width)
        }
        Err(_) => cut(bytes.escape_ascii().map(char::from), width),
    }
}

/// As [`excerpt`], but what is too long is cut in the middle: of a list that grows, it is the end that tells.
pub(super) fn ends(bytes: &[u8], width: usize) -> String {
    let (beginning, is_cut) = beginning(bytes, width);
    if !is_cut || width < 20 {
        return beginning;
    }
    let (room_before, room_after) = ((width - 2).div_ceil(2), (width - 2) / 2);
    let end = match std::str::from_utf8(bytes) {
        Ok(text) => last(text.chars().rev(), room_after),
        Err(_) => last(bytes.escape_ascii().map(char::from).rev(), room_after),
    };
    let (beginning, _) = self::beginning(bytes, room_before + 2);
    with_length(format!("{beginning}{end}"), bytes)
}

/// As [`ends`], but what is too long is cut so that its first difference to what was there before shows.
pub(super) fn change(bytes: &[u8], before: &[u8], width: usize) -> String {
    let (beginning, is_cut) = beginning(bytes, width);
    let same = bytes.iter().zip(before).take_while(|(byte, other)| byte == other).count();
    if !is_cut || width < 20 || same == bytes.len() {
        return if is_cut { ends(bytes, width) } else { beginning };
    }
    let context = width / 3;
    if same + context < width {
        return with_length(beginning, bytes);
    }
    let mut start = same - context;
    // The first byte of a character.
    while start < same && bytes[start] & 0b1100_0000 == 0b1000_0000 {
        start += 1;
    }
    let (changed, _) = self::beginning(&bytes[start..], width - 2);
    with_length(format!("..{changed}"), bytes)
}

/// A text of the user's on its way to a terminal: control characters are escaped, but for the ends of lines and tabs.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) && c != '\n' && c != '\t' {
            plain.extend(c.escape_default());
        } else {
            plain.push(c);
        }
    }
    plain
}

/// True if a terminal obeys it or moves other characters because of it: controls, and the marks of writing directions.
fn hides(c: char) -> bool {
    c.is_control() || is_mark_of_direction(c)
}

/// The last characters of a text that is read from its end.
fn last(reversed: impl Iterator<Item = char>, width: usize) -> String {
    let mut parts = Vec::new();
    let mut len = 0;
    for c in reversed {
        let part = if hides(c) { c.escape_default().to_string() } else { c.to_string() };
        len += part.chars().count();
        if len > width {
            break;
        }
        parts.push(part);
    }
    parts.into_iter().rev().collect()
}

fn cut(text: impl Iterator<Item = char>, width: usize) -> (String, bool) {
    let mut line = String::new();
    let mut len = 0;
    // Where to cut, should the text turn out to be too long.
    let mut room_for_dots = 0;
    for c in text {
        let before = line.len();
        if hides(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        len += line[before..].chars().count();
        if len + 2 <= width {
            room_for_dots = line.len();
        }
        if len > width {
            line.truncate(room_for_dots);
            line.push_str("..");
            return (line, true);
        }
    }
    (line, false)
}

#[cfg(test)]
mod tests {
    use super::{change, ends, excerpt};

    #[test]
    fn cuts_and_stays_on_one_line() {
        assert_eq!(excerpt(b"", 10), "(empty)");
        assert_eq!(excerpt(b"0123456789", 10), "0123456789");
        assert_eq!(excerpt(b"0123456789a", 10), "01234567..");
        assert_eq!(excerpt("größer als".as_bytes(), 8), "größer..");
        assert_eq!(excerpt(b"a\nb", 10), "a\\nb");
        assert_eq!(excerpt(b"1234567\n9", 9), "1234567..");
        assert_eq!(excerpt(b"\xff\x00", 10), "\\xff\\x00");
        assert_eq!(excerpt("a\u{202e}b".as_bytes(), 20), "a\\u{202e}b");
    }

    #[test]
    fn absurdly_long_bytes_are_shown_with_their_number() {
        let bytes = [b'x'; 5_000];
        assert_eq!(excerpt(&bytes, 10), "xxxxxxxx.. (5000 bytes)");
        assert_eq!(ends(&bytes, 20), "xxxxxxxxx..xxxxxxxxx (5000 bytes)");
        assert_eq!(change(&bytes, &bytes[..4_000], 20), "..xxxxxxxxxxxxxxxx.. (5000 bytes)");
        assert_eq!(excerpt(&bytes[..900], 10), "xxxxxxxx..");
    }

    #[test]
    fn what_changes_is_shown() {
        let value = |etags: &str| format!(r#"{{"upload":"up-0","etags":[{etags}],"at":"2020-01-01T00:00:00Z"}}"#);
        let (before, now) = (value(r#""a","b""#), value(r#""a","c""#));
        assert_eq!(change(now.as_bytes(), before.as_bytes(), 30), r#"..gs":["a","c"],"at":"2020-0.."#);
        // Near the beginning, and where nothing is too long.
        assert_eq!(change(now.as_bytes(), b"{\"upl0", 30), r#"{"upload":"up-0","etags":["a.."#);
        assert_eq!(change(b"{\"a\":1}", b"{\"a\":2}", 30), r#"{"a":1}"#);
        // Both ends are shown if nothing changes.
        assert_eq!(change(now.as_bytes(), now.as_bytes(), 30), ends(now.as_bytes(), 30));
        let (before, now) = ("ä".repeat(40), format!("{}ö", "ä".repeat(30)));
        assert_eq!(change(now.as_bytes(), before.as_bytes(), 30), "..ääääö");
    }

    #[test]
    fn keeps_both_ends() {
        assert_eq!(ends(b"", 20), "(empty)");
        assert_eq!(ends(b"[1,2,3,4,5,6,7,8,90]", 20), "[1,2,3,4,5,6,7,8,90]");
        assert_eq!(ends(b"[1,2,3,4,5,6,7,8,9,10]", 20), "[1,2,3,4,..7,8,9,10]");
        assert_eq!(ends(b"[\"a\",\"b\",\"c\",\"d\n\",\"e\"]\n", 20), "[\"a\",\"b\",..\",\"e\"]\\n");
        assert_eq!(ends(&[0xff; 40], 20), "\\xff\\xff\\..f\\xff\\xff");
        assert_eq!(ends(b"0123456789a", 10), "01234567..");
    }
}
