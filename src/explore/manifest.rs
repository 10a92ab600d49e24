//! [`Manifest`]: what a package's `Cargo.toml` says of features. It is read as text: a failure is to be told even where the file
//! is wrong.

use std::path::Path;

/// The text of a `Cargo.toml`, without its comments. Empty if there is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Manifest(String);

impl Manifest {
    /// Reads the one of the package in this folder.
    pub(super) fn of(package: &Path) -> Manifest {
        Manifest::new(&std::fs::read_to_string(package.join("Cargo.toml")).unwrap_or_default())
    }

    fn new(text: &str) -> Manifest {
        Manifest(text.lines().map(|line| format!("{}\n", without_comment(line).trim())).collect())
    }

    /// Says whether the package has features that somebody may have asked for.
    pub(super) fn has_features(&self) -> bool {
        let optional = |line: &str| line.replace(' ', "").contains("optional=true");
        self.0.lines().any(|line| line == "[features]" || optional(line))
    }

    /// The features without which cargo does not build a target: of a kind such as `test`, and of this name.
    pub(super) fn required_features(&self, kind: &str, name: &str) -> Vec<String> {
        let header = format!("[[{kind}]]\n");
        let tables = self.0.split(&header).skip(1).map(|rest| rest.split("\n[").next().unwrap_or_default());
        let mut wanted = tables.filter(|table| value(table, "name").is_some_and(|value| strings(value) == [name]));
        let list = wanted.next().and_then(|table| value(table, "required-features"));
        list.and_then(|list| list.split(']').next()).map(strings).unwrap_or_default()
    }
}

/// All that follows `key =`.
fn value<'a>(table: &'a str, key: &str) -> Option<&'a str> {
    let mut start = 0;
    for line in table.split_inclusive('\n') {
        start += line.len();
        if let Some(rest) = line.strip_prefix(key).and_then(|rest| rest.trim_start().strip_prefix('=')) {
            // A list may go on over several lines, a name does not.
            let is_list = rest.trim_start().starts_with('[');
            return Some(if is_list { &table[start - rest.len()..] } else { rest });
        }
    }
    None
}

/// The texts in quotes.
fn strings(text: &str) -> Vec<String> {
    text.split(['"', '\'']).skip(1).step_by(2).map(str::to_owned).collect()
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    for (at, character) in line.char_indices() {
        match (quote, character) {
            (None, '#') => return &line[..at],
            (None, '"' | '\'') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::Manifest;

    const TEXT: &str = r##"
[package]
name = "shop" # "[features]"

[[test]]
name = "plain"

[[test]]
name = "wide"  # of all
path = "tests/a#b.rs"
required-features = [
    "slow", # takes long
    'more',
]

[[bin]]
name = "wide"
required-features = ["cli"]
"##;

    #[test]
    fn required_features_are_those_of_the_target() {
        let manifest = Manifest::new(TEXT);
        assert_eq!(manifest.required_features("test", "wide"), ["slow", "more"]);
        assert_eq!(manifest.required_features("bin", "wide"), ["cli"]);
        assert!(manifest.required_features("test", "plain").is_empty());
        assert!(manifest.required_features("example", "wide").is_empty());
        assert!(Manifest::default().required_features("test", "wide").is_empty());
    }

    #[test]
    fn features_are_a_table_or_an_optional_dependency() {
        assert!(!Manifest::new(TEXT).has_features());
        assert!(Manifest::new("[features]\nslow = []").has_features());
        assert!(Manifest::new("[dependencies]\na = { version = \"1\", optional = true }").has_features());
    }
}
