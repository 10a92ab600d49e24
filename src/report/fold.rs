//! Lines of so many columns: words are moved to the next line, and what does not fit is cut so that the difference shows.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The mark of something that was left out.
const CUT: &str = "..";

/// The columns that a text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.width()
}

/// Breaks a text into lines of at most so many columns, between words where it has some. The ends of its own lines stay.
pub(crate) fn fold(text: &str, width: usize) -> Vec<String> {
    text.lines().flat_map(|line| fold_line(line.trim_end(), width.max(2))).collect()
}

fn fold_line(line: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let mut word = word;
        let last = lines.last().map_or(0, |line| columns(line));
        if last > 0 && last + columns(word.trim_end()) > width {
            lines.push(String::new());
        }
        while columns(word.trim_end()) > width {
            let fits = beginning(word, width);
            let (start, rest) = word.split_at(fits.len());
            if let Some(line) = lines.last_mut() {
                line.push_str(start);
            }
            lines.push(String::new());
            word = rest;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines.into_iter().map(|line| line.trim_end().to_owned()).collect()
}

/// As many whole characters as fit.
fn beginning(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, character) in text.char_indices() {
        used += character.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// Cuts one line at so many columns.
pub(crate) fn cut(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    format!("{}{CUT}", beginning(line, width.saturating_sub(CUT.len())).trim_end())
}

/// Cuts lines at so many of them.
pub(crate) fn cut_lines(mut lines: Vec<String>, most: usize, width: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            let marked = format!("{last} {CUT}");
            let is_short = columns(&marked) <= width;
            let shortened = || format!("{}{CUT}", beginning(last, width.saturating_sub(CUT.len())).trim_end());
            *last = if is_short { marked } else { shortened() };
        }
    }
    lines
}

/// Two values in so many columns, each cut so that the first place at which they differ shows in both.
pub(crate) fn differing(expected: (&str, usize), found: (&str, usize)) -> (String, String) {
    let (values, widths) = ((expected.0, found.0), (expected.1, found.1));
    if columns(values.0) <= widths.0 && columns(values.1) <= widths.1 {
        return (values.0.to_owned(), values.1.to_owned());
    }
    let width = widths.0.min(widths.1);
    let same = values.0.chars().zip(values.1.chars()).take_while(|(one, other)| one == other).count();
    // The characters before it say where it is.
    let start = if same + width / 2 < width { 0 } else { same.saturating_sub(width / 3) };
    let neighbourhood = |value: &str, width: usize| {
        let rest: String = value.chars().skip(start).collect();
        if start == 0 { cut(&rest, width) } else { format!("{CUT}{}", cut(&rest, width - CUT.len())) }
    };
    (neighbourhood(values.0, widths.0), neighbourhood(values.1, widths.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_moved_and_only_a_longer_one_is_broken() {
        assert_eq!(fold("one two three", 7), ["one two", "three"]);
        assert_eq!(fold("one\ntwo  three", 10), ["one", "two  three"]);
        assert_eq!(fold("a 0123456789 b", 4), ["a", "0123", "4567", "89 b"]);
        // A character of two columns.
        assert_eq!(fold("漢字漢字", 5), ["漢字", "漢字"]);
        assert_eq!(fold("", 5), Vec::<String>::new());
    }

    #[test]
    fn what_is_cut_says_so_and_fits() {
        assert_eq!((cut("0123456789", 10), cut("0123456789", 9)), ("0123456789".to_owned(), "0123456..".to_owned()));
        let lines = |most| cut_lines(fold("one two three four", 7), most, 7);
        assert_eq!(lines(3), ["one two", "three", "four"]);
        assert_eq!(lines(2), ["one two", "three.."]);
        assert_eq!(lines(1), ["one t.."]);
    }

    #[test]
    fn the_difference_shows_in_both() {
        fn differing(expected: &str, found: &str, width: usize) -> (String, String) {
            super::differing((expected, width), (found, width))
        }
        assert_eq!(differing("1", "2", 10), ("1".to_owned(), "2".to_owned()));
        let long = |digit: &str| format!("{}{digit}{}", "a".repeat(50), "b".repeat(50));
        let (expected, found) = differing(&long("1"), &long("2"), 20);
        assert_eq!((&*expected, &*found), ("..aaaaaa1bbbbbbbbb..", "..aaaaaa2bbbbbbbbb.."));
        // Near the beginning nothing is left out before it.
        let (expected, found) = differing(&format!("x1{}", "b".repeat(50)), "x2", 20);
        assert_eq!((&*expected, &*found), ("x1bbbbbbbbbbbbbbbb..", "x2"));
        // One that goes on where the other ends.
        let (_, found) = differing(&"a".repeat(60), &"a".repeat(50), 20);
        assert_eq!(found, "..aaaaaa");
    }
}
