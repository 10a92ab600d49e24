//! [`excerpt`]: bytes as the beginning of one line of text.

/// The bytes as one line of at most `width` characters. What is cut ends in `..`; control characters are escaped, and
/// bytes that are not UTF-8 are as well.
pub(super) fn excerpt(bytes: &[u8], width: usize) -> String {
    match std::str::from_utf8(bytes) {
        Ok("") => "(empty)".to_owned(),
        Ok(text) => cut(text.chars(), width),
        Err(_) => cut(bytes.escape_ascii().map(char::from), width),
    }
}

fn cut(text: impl Iterator<Item = char>, width: usize) -> String {
    let mut line = String::new();
    let mut len = 0;
    // Where to cut, should the text turn out to be too long.
    let mut room_for_dots = 0;
    for c in text {
        let before = line.len();
        if c.is_control() {
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
            break;
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn cuts_and_stays_on_one_line() {
        assert_eq!(excerpt(b"", 10), "(empty)");
        assert_eq!(excerpt(b"0123456789", 10), "0123456789");
        assert_eq!(excerpt(b"0123456789a", 10), "01234567..");
        assert_eq!(excerpt("größer als".as_bytes(), 8), "größer..");
        assert_eq!(excerpt(b"a\nb", 10), "a\\nb");
        assert_eq!(excerpt(b"1234567\n9", 9), "1234567..");
        assert_eq!(excerpt(b"\xff\x00", 10), "\\xff\\x00");
    }
}
