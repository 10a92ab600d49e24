//! `docs/verdicts.md` has the verdict on each kind of run, and each of its rows names a test that is there.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../../docs/verdicts.md");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The file of a module of `tests/promises/`: `checks::ends` is `checks/ends.rs`, `checks` is `checks/mod.rs`.
fn file_of(module: &str) -> PathBuf {
    let path = root().join("tests/promises").join(module.replace("::", "/"));
    let file = path.with_extension("rs");
    if file.exists() { file } else { path.join("mod.rs") }
}

/// The names in backquotes of a cell.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The tests that a cell names: the file and the name of each.
fn named(cell: &str) -> Vec<(PathBuf, String)> {
    let mut file = None;
    let mut tests = Vec::new();
    for name in quoted(cell) {
        match (name.ends_with(".rs"), name.rsplit_once("::")) {
            (true, _) => file = Some(root().join(name)),
            (_, Some((module, test))) => tests.push((file_of(module), test.to_owned())),
            (_, None) => tests.push((file.clone().expect("a test without a module follows its file"), name.to_owned())),
        }
    }
    tests
}

#[track_caller]
fn is_there(file: &Path, test: &str) {
    let source = fs::read_to_string(file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    // A row of the table of planted bugs, of which a macro makes the tests.
    if file.ends_with("bugs/found.rs") && lines.iter().any(|line| line.contains(&format!(" {test}: found"))) {
        return;
    }
    let index = lines.iter().position(|line| line.starts_with(&format!("fn {test}(")));
    let index = index.unwrap_or_else(|| panic!("{} has no `{test}`", file.display()));
    assert!(lines[index - 1] == "#[test]", "`{test}` in {} is no test", file.display());
}

#[test]
fn each_row_names_a_test_that_is_there() {
    let mut rows = 0;
    for line in PAGE.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let last = cells.last().expect("a cell");
        if *last == "held by" || last.starts_with("---") {
            continue;
        }
        assert_eq!(cells.len(), 3, "{line}");
        let tests = named(last);
        assert!(!tests.is_empty(), "no test holds this row: {line}");
        tests.iter().for_each(|(file, test)| is_there(file, test));
        rows += 1;
    }
    assert!(rows > 40, "{rows} rows");
    // Those in sentences.
    let sentences = PAGE.lines().filter(|line| !line.starts_with('|')).collect::<Vec<_>>().join("\n");
    for name in quoted(&sentences).into_iter().filter(|name| name.matches("::").count() > 1) {
        named(&format!("`{name}`")).iter().for_each(|(file, test)| is_there(file, test));
    }
}

#[test]
fn a_row_that_names_no_test_is_noticed() {
    let found = |cell: &str| {
        let check = || named(cell).iter().for_each(|(file, test)| is_there(file, test));
        std::panic::catch_unwind(check).is_ok()
    };
    assert!(found("`checks::ends::the_message_counts`"));
    assert!(found("`tests/bugs/found.rs`: `cancel_is_swallowed`"));
    assert!(!found("`tests/bugs/found.rs`: `cancel_is_swallow`"));
    assert!(!found("`checks::ends::the_messages_count`"));
    assert!(!found("`checks::end::the_message_counts`"));
    assert!(!found("`checks::verdicts::is_there`"));
}
