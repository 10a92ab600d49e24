//! Types that users and adapters only read may grow: public enums are `#[non_exhaustive]`.

use std::fs;
use std::path::{Path, PathBuf};

/// Public enums that users may match without a wildcard: something is there or not.
const COMPLETE: [&str; 1] = ["Details"];

/// Folders of the rules by themselves: hidden, and for tests that match everything.
const RULES: [&str; 2] = ["service", "worker"];

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension() {
            _ if RULES.iter().any(|rules| path.ends_with(rules)) => {}
            _ if path.is_dir() => sources(&path, into),
            Some(extension) if extension == "rs" => into.push(path),
            _ => {}
        }
    }
}

#[test]
fn every_public_enum_may_grow() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    let mut fixed = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let mut may_grow = false;
        for line in text.lines() {
            match line.strip_prefix("pub enum ") {
                Some(rest) => {
                    let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
                    if !may_grow && !COMPLETE.contains(&name) {
                        fixed.push(format!("{}: {name}", file.display()));
                    }
                    may_grow = false;
                }
                None if line == "#[non_exhaustive]" => may_grow = true,
                None if line.starts_with("#[") => {}
                None => may_grow = false,
            }
        }
    }
    assert!(fixed.is_empty(), "not `#[non_exhaustive]`: {fixed:#?}");
}
