//! [`file_name`]: a name for a file that no other parts lead to, on whatever system.

/// Longer names are cut. File systems allow 255 bytes, and the name gets an ending.
const LONGEST: usize = 200;

/// Makes the name that stands for these parts: a package, a test target, a test, an exploration.
///
/// The parts are joined by `@`, and `::` in them becomes `+`. Letters and digits of ASCII, `_` and `-` stay; all other
/// bytes are written `%2f`. A name that is too long is cut; behind it, and behind one with capital letters, which some file
/// systems do not tell from small ones, stands a hash of the whole.
pub(super) fn file_name(parts: &[&str]) -> String {
    let mut name = parts.iter().map(|part| escaped(part)).collect::<Vec<_>>().join("@");
    if name.len() > LONGEST || parts.iter().any(|part| part.contains(|c: char| c.is_ascii_uppercase())) {
        let hash = format!("~{:016x}", hash(name.as_bytes()));
        // All of it is ASCII.
        name.truncate(LONGEST - hash.len());
        name.push_str(&hash);
    }
    name
}

fn escaped(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for (index, between) in part.split("::").enumerate() {
        if index > 0 {
            escaped.push('+');
        }
        for byte in between.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' => escaped.push(char::from(byte)),
                other => escaped.push_str(&format!("%{other:02x}")),
            }
        }
    }
    escaped
}

/// Makes a hash by FNV-1a, which is the same in every version of Rust.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_name_reads_as_the_test() {
        assert_eq!(file_name(&["shop-core", "orders", "refund::works"]), "shop-core@orders@refund+works");
        assert_eq!(file_name(&["a", "b", "c/d: \"é\"\n"]), "a@b@c%2fd%3a%20%22%c3%a9%22%0a");
        assert_eq!(file_name(&["a", "b", ".."]), "a@b@%2e%2e");
        assert_eq!(file_name(&["a", "b", "Works"]), "a@b@Works~906cd5c558d12118");
    }

    /// They do not meet either where the file system takes capital letters for small ones.
    #[test]
    fn two_names_never_meet() {
        let long = "x".repeat(300);
        let longer = format!("{long}y");
        let tests = [
            "a", "A", "a::b", "a:b", "a+b", "a/b", "a%2fb", "a%2Fb", "a.b", "a@b", "a::b::", "::a::b", "a:::b",
            "a::::b", "aB", "Ab", "ab", "a b", "a\\b", "a\u{7f}b", "a\0b", "", "ä", "Ä", "~", "a~", &long, &longer,
        ];
        let mut names: BTreeSet<String> = BTreeSet::new();
        for test in tests {
            for parts in [&[test] as &[&str], &["p", test], &[test, "p"], &["p", "t", test], &["p", test, ""]] {
                let name = file_name(parts);
                assert!(name.len() <= LONGEST, "{name}");
                assert!(name.bytes().all(|byte| byte.is_ascii_graphic() && !br#"/\:"<>|*?"#.contains(&byte)), "{name}");
                assert!(names.insert(name.to_lowercase()), "{name} stands for {parts:?} and for others");
            }
        }
    }
}
