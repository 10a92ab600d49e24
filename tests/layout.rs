//! Imports point one way, and inside a folder there are few circles: the sources are read, and every path in them followed.
//!
//! A path counts where the item that it names is defined: through the re-exports of a module or of the crate's root,
//! through `super` and `self`, in groups, under another name, in bodies, bounds and macros. Only code that tests alone
//! compile is left out.
//!
//! `cargo test --test layout -- --ignored --nocapture` prints the part that `scripts/shape.sh` shows.

#[path = "layout/circles.rs"]
mod circles;
#[path = "layout/imports.rs"]
mod imports;
#[path = "layout/samples.rs"]
mod samples;
#[path = "layout/source.rs"]
mod source;
#[path = "layout/tokens.rs"]
mod tokens;

use std::collections::BTreeSet;
use std::path::Path;

use circles::Graph;
use imports::{Crate, Import, Sources, folder};

/// The folders of `src` (or files that stand there alone), each with the folders, or single files, that it may import.
/// All of those stand before it here, so that no circle is possible.
const TABLE: &[(&str, &[&str])] = &[
    ("program", &[]),
    // The engine knows no workflows, only how time is written.
    ("engine", &["program/instant.rs"]),
    ("service", &["program"]),
    ("history", &["program", "service"]),
    ("fault", &["engine", "program", "service"]),
    ("trace", &["program", "service", "fault"]),
    ("worker", &["engine", "program", "service", "fault", "trace"]),
    ("world", &["engine", "program", "service", "fault", "trace", "worker"]),
    // Like an adapter, they need only the seam.
    ("activity", &["program"]),
    ("workflow", &["program"]),
    // Its errors become the activity's by `?`.
    ("inside", &["engine", "program", "service", "fault", "trace", "activity", "world"]),
    ("client", &["program", "service", "trace", "world", "inside"]),
    ("report", &["program", "service", "fault", "trace", "world"]),
    ("check", &["engine", "program", "service", "fault", "trace", "world", "inside", "report"]),
    ("explore", &["engine", "program", "service", "fault", "trace", "world", "inside", "report", "check"]),
    // This is for tests alone.
    ("internals", &["history", "service", "worker", "workflow"]),
    // The front may import all.
    (
        "simulation",
        &[
            "engine", "program", "service", "history", "fault", "trace", "worker", "world", "inside", "client",
            "activity", "workflow", "report", "check", "explore",
        ],
    ),
    ("strategy", &["fault", "explore", "simulation"]),
];

/// Types with methods in another folder than their own: the folder of the methods, and the type.
const METHODS_OUTSIDE: &[(&str, &str, &str)] = &[("report", "Run", "they only format what a run has left")];

/// The imports that close a circle inside a folder, at most five: the file, its import, and the reason why that stays.
const CIRCLES: &[(&str, &str, &str)] = &[];

#[test]
fn imports_point_one_way() {
    let read = sources();
    let imports = read.imports();
    let mut wrong = Vec::new();
    for file in read.files().into_iter().filter(|file| *file != "lib.rs") {
        if row(folder(file)).is_none() {
            wrong.push(format!("src/{file}: `{}` is not in the table", folder(file)));
        }
    }
    for import in against_the_table(&imports) {
        let from = folder(&import.from);
        let allowed = row(from).map(|allowed| allowed.join(", ")).unwrap_or_default();
        wrong.push(format!("{import}: `{from}` may import {}", if allowed.is_empty() { "nothing" } else { &allowed }));
    }
    assert!(wrong.is_empty(), "{} imports against the table:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn each_row_of_the_table_stands_on_those_before_it() {
    for (index, (folder, allowed)) in TABLE.iter().enumerate() {
        for import in allowed.iter().map(|import| imports::folder(import)) {
            assert!(TABLE[..index].iter().any(|(before, _)| *before == import), "{folder} imports {import}");
        }
    }
}

#[test]
fn files_of_a_folder_import_each_other_in_few_circles() {
    assert!(CIRCLES.len() <= 5, "{} circles are listed, five are allowed", CIRCLES.len());
    let read = sources();
    let imports = inside_folders(&read.imports());
    let listed = |from: &str, to: &str| CIRCLES.iter().any(|(file, other, _)| (*file, *other) == (from, to));
    let rest = graph(&imports, |from, to| !listed(from, to));
    if let Some(circle) = rest.circle() {
        let lines = circle.windows(2).map(|step| {
            let import = imports.iter().find(|import| import.from == step[0] && import.to == step[1]);
            import.map(Import::to_string).unwrap_or_default()
        });
        panic!("a circle of imports that is not listed:\n{}", lines.collect::<Vec<_>>().join("\n"));
    }
    for (from, to, _) in CIRCLES {
        let all = graph(&imports, |_, _| true);
        assert!(all.way(to, from).is_some(), "{from} and {to} are no circle any more: remove them from the list");
    }
}

#[test]
fn methods_stand_in_the_folder_of_their_type() {
    let outside = methods_outside(&sources());
    let wrong: Vec<String> = outside
        .iter()
        .filter(|import| {
            let found = (folder(&import.from), import.path.as_str());
            !METHODS_OUTSIDE.iter().any(|(folder, name, _)| (*folder, *name) == found)
        })
        .map(|import| {
            format!("src/{}:{}: `impl {}`, whose type is in src/{}", import.from, import.line, import.path, import.to)
        })
        .collect();
    assert!(wrong.is_empty(), "methods outside of the folder of their type:\n{}", wrong.join("\n"));
}

/// A `*` would hide what is imported.
#[test]
fn names_of_a_module_are_imported_one_by_one() {
    let globs = sources().globs();
    assert!(globs.is_empty(), "{}", globs.join("\n"));
}

/// Prints the figures for `scripts/shape.sh`, also where the tests above fail. The sources of another revision are read
/// from `SHAPE_OF`.
#[test]
#[ignore = "prints the circles of the sources, for scripts/shape.sh"]
fn shape() {
    let read = match std::env::var_os("SHAPE_OF") {
        Some(folder) => Sources::read(Path::new(&folder)).crate_of(),
        None => sources(),
    };
    let all = read.imports();
    let own = |name: &str| folder(name).to_owned();
    let folders: Vec<(String, String)> = all.iter().map(|import| (own(&import.from), own(&import.to))).collect();
    let between: Graph<'_> = folders.iter().map(|(from, to)| (from.as_str(), to.as_str())).collect();
    let inside: Vec<&Import> =
        all.iter().filter(|import| !import.is_passed_on && own(&import.from) == own(&import.to)).collect();
    let files: Graph<'_> = inside.iter().map(|import| (import.from.as_str(), import.to.as_str())).collect();
    let names = |group: &[&str]| group.join(", ");
    for (what, graph) in [("between folders", &between), ("inside folders", &files)] {
        let (tangles, pairs) = (graph.tangles(), graph.pairs());
        let tangled: usize = tangles.iter().map(Vec::len).sum();
        println!(
            "circles {what}: {} pairs that import each other; {tangled} in {} tangles; {} imports close all circles",
            pairs.len(),
            tangles.len(),
            graph.back_edges().len(),
        );
        tangles.iter().for_each(|tangle| println!("    {}", names(tangle)));
        graph.back_edges().iter().for_each(|(from, to)| println!("    (\"{from}\", \"{to}\"),"));
    }
}

fn sources() -> Crate {
    Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).crate_of()
}

fn row(folder: &str) -> Option<&'static [&'static str]> {
    TABLE.iter().find(|(name, _)| *name == folder).map(|(_, allowed)| *allowed)
}

fn against_the_table(imports: &[Import]) -> Vec<&Import> {
    let is_allowed = |import: &&Import| {
        let (from, to) = (folder(&import.from), folder(&import.to));
        let is_one_of = |allowed: &[&str]| allowed.contains(&to) || allowed.contains(&import.to.as_str());
        from == to || row(from).is_some_and(is_one_of)
    };
    imports.iter().filter(|import| !is_allowed(import)).collect()
}

/// Imports of a file from another of its folder. Passing a name on is none.
fn inside_folders(imports: &[Import]) -> Vec<Import> {
    let is_inside = |import: &&Import| !import.is_passed_on && folder(&import.from) == folder(&import.to);
    imports.iter().filter(is_inside).cloned().collect()
}

fn graph<'a>(imports: &'a [Import], counts: impl Fn(&str, &str) -> bool) -> Graph<'a> {
    let pairs: BTreeSet<(&str, &str)> =
        imports.iter().map(|import| (import.from.as_str(), import.to.as_str())).collect();
    pairs.into_iter().filter(|(from, to)| counts(from, to)).collect()
}

fn methods_outside(read: &Crate) -> Vec<Import> {
    let outside = read.methods_outside();
    outside.into_iter().filter(|import| folder(&import.from) != folder(&import.to)).collect()
}
