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

/// Breaks a text into at most so many lines that hold all of it: behind a space or a `/` where the rest still fits, and
/// anywhere if not. A text that does not fit takes more lines.
pub(crate) fn fold_into(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(2);
    let (mut lines, mut rest) = (Vec::new(), text.trim_end());
    while columns(rest) > width {
        let room = most.saturating_sub(lines.len() + 1) * width;
        let full = beginning(rest, width).len();
        let ends = rest[..full].char_indices().filter(|(_, character)| matches!(character, ' ' | '/'));
        let ends = ends.map(|(at, character)| at + character.len_utf8());
        let mut ends = ends.chain(rest[full..].starts_with(' ').then_some(full));
        let end = ends.rfind(|end| columns(rest[*end..].trim_start()) <= room).unwrap_or(full);
        let (line, others) = rest.split_at(end);
        lines.push(line.trim_end().to_owned());
        rest = others.trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

/// Cuts a call and its place, such as `ctx.heartbeat at src/copy.rs:12`, at so many columns. The folders are left out first.
pub(crate) fn cut_place(line: &str, width: usize) -> String {
    let Some((call, path)) = line.rsplit_once(" at ").filter(|_| columns(line) > width) else {
        return cut(line, width);
    };
    let short = |tail: &str| format!("{call} at {CUT}{tail}");
    let fits = |tail: &&str| columns(&short(tail)) <= width;
    let folders = path.match_indices('/').map(|(at, _)| &path[at..]);
    // A file name that is too long loses its beginning: the line is at its end.
    let shorter = path.char_indices().map(|(at, _)| &path[at..]);
    folders.chain(shorter).find(fits).map_or_else(|| cut(line, width), short)
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
    fn a_text_that_just_fits_is_broken_between_words_if_there_is_room() {
        assert_eq!(fold_into("found at tests/bugs/planted.rs", 20, 2), ["found at tests/bugs/", "planted.rs"]);
        assert_eq!(fold_into("one two three", 7, 2), ["one two", "three"]);
        // No column to spare.
        assert_eq!(fold_into("one twothree", 6, 2), ["one tw", "othree"]);
        assert_eq!((fold_into("", 6, 2), fold_into("one", 6, 2)), (vec![String::new()], vec!["one".to_owned()]));
        assert_eq!(fold_into("漢字/漢字", 6, 2), ["漢字/", "漢字"]);
    }

    #[test]
    fn a_place_keeps_its_file_and_line() {
        let place = "`ctx.heartbeat` at crates/billing/tests/refunds.rs:12";
        assert_eq!(cut_place(place, 60), place);
        assert_eq!(cut_place(place, 45), "`ctx.heartbeat` at ../tests/refunds.rs:12");
        assert_eq!(cut_place(place, 36), "`ctx.heartbeat` at ../refunds.rs:12");
        assert_eq!(cut_place(place, 28), "`ctx.heartbeat` at ..s.rs:12");
        // Not even that fits.
        assert_eq!(cut_place(place, 20), cut(place, 20));
        assert_eq!(cut_place("no place in this line", 10), "no place..");
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
