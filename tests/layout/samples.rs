//! No way to write an import evades the reading: small crates, each with one.

use std::collections::BTreeSet;

use super::circles::Graph;
use super::imports::{Crate, Sources};

/// A crate of `fault` and `world`, whose root passes names on, with this in `fault/menu.rs`.
fn with(menu: &str) -> Crate {
    Sources::of(&[
        (
            "lib.rs",
            "mod fault; mod world; pub use world::Run; pub use fault::Menu as Choice; extern crate self as sample;",
        ),
        ("fault/mod.rs", "mod menu; mod site; pub use menu::Menu; pub(crate) use site::Site;"),
        ("fault/menu.rs", menu),
        ("fault/site.rs", "pub struct Site; pub mod kinds { pub struct Await; }"),
        ("world/mod.rs", "mod core; pub use core::Run; pub(crate) mod loops; pub(crate) fn step() {}"),
        ("world/core.rs", "pub struct Run { core: Core } pub(crate) struct Core; pub enum Ended { Well, Badly }"),
        ("world/loops.rs", "pub(crate) fn turn() {}"),
    ])
    .crate_of()
}

/// The imports of `fault/menu.rs`: line and file.
fn imports(menu: &str) -> Vec<(usize, String)> {
    let all = with(menu).imports().into_iter().filter(|import| import.from == "fault/menu.rs");
    let found: BTreeSet<(usize, String)> = all.map(|import| (import.line, import.to)).collect();
    found.into_iter().collect()
}

#[track_caller]
fn imports_core(menu: &str) {
    assert_eq!(imports(menu), [(1, "world/core.rs".to_owned())], "{menu}");
}

#[test]
fn in_each_form_of_use() {
    imports_core("use crate::world::core::Run;");
    imports_core("pub use crate::world::core::Run;");
    imports_core("use crate::world::core::Core as Inner;");
    imports_core("use crate::world::core::{self as inner};");
    imports_core("use {crate::world::core::Core};");
    imports_core("use crate::{world::{core::{Core}}};");
    imports_core("fn a() { use crate::world::core::Core; }");
    imports_core("mod inner { use crate::world::core::Core; }");
}

#[test]
fn in_a_group_over_several_lines() {
    let menu = "use crate::{\n    fault::site::Site,\n    world::{\n        core::Core,\n        loops::turn,\n        step,\n    },\n};";
    let expected = [(2, "fault/site.rs"), (4, "world/core.rs"), (5, "world/loops.rs"), (6, "world/mod.rs")];
    assert_eq!(imports(menu), expected.map(|(line, file)| (line, file.to_owned())));
}

#[test]
fn through_re_exports() {
    imports_core("use crate::Run;");
    imports_core("use crate::world::Run;");
    imports_core("use super::super::Run;");
    imports_core("use sample::Run;");
    assert_eq!(imports("use crate::fault::Site;"), [(1, "fault/site.rs".to_owned())]);
    // Its own name, which the root passes on.
    assert_eq!(imports("pub struct Menu; fn a() -> crate::Choice { crate::Choice }"), []);
}

#[test]
fn through_super_and_self() {
    imports_core("use super::super::world::core::Core;");
    imports_core("mod inner { use super::super::super::world::core::Core; }");
    imports_core("mod inner { use crate::world::core::Core; } fn a() { self::inner::Core; }");
    assert_eq!(imports("use super::site::Site;"), [(1, "fault/site.rs".to_owned())]);
    assert_eq!(imports("mod inner { use super::super::Site; }"), [(1, "fault/site.rs".to_owned())]);
    assert_eq!(imports("use super::Site;"), [(1, "fault/site.rs".to_owned())]);
    assert_eq!(imports("use super::site::kinds::Await;"), [(1, "fault/site.rs".to_owned())]);
}

#[test]
fn in_paths_without_use() {
    imports_core("fn a() { crate::world::core::Core; }");
    imports_core("fn a(run: &crate::Run) {}");
    imports_core("fn a<T: Into<crate::world::core::Core>>() {}");
    imports_core("struct A(Vec<super::super::world::core::Core>);");
    imports_core("fn a() { Vec::<crate::Run>::new(); }");
    imports_core("fn a() { matches!(end, crate::world::core::Ended::Well); }");
    imports_core("macro_rules! a { () => { $crate::world::core::Core }; }");
    imports_core("impl<T: Iterator<Item = crate::Run>> A for T {}");
    imports_core("impl From<crate::Run> for u32 {}");
    imports_core("fn a<'a>() -> impl Iterator<Item = u32> + use<'a> { let b = { 1; 2 }; crate::Run }");
}

#[test]
fn through_a_module_that_is_imported() {
    let found = imports("use crate::world;\nfn a() { world::core::Core; }");
    assert_eq!(found, [(1, "world/mod.rs".to_owned()), (2, "world/core.rs".to_owned())]);
    let found = imports("use crate as root;\nfn a() { root::world::core::Core; }");
    assert!(found.contains(&(2, "world/core.rs".to_owned())), "{found:?}");
}

#[test]
fn all_names_of_a_module_are_no_import_to_read() {
    assert_eq!(
        with("use crate::world::*;").globs(),
        ["src/fault/menu.rs:1: `crate::world::*` imports all names of a module"]
    );
    assert_eq!(with("enum Own { A } use Own::*; use crate::world::core::Ended::*;").globs(), [""; 0]);
}

#[test]
fn comments_texts_and_tests_import_nothing() {
    assert_eq!(imports("// use crate::Run;\n/* crate::Run /* crate::Run */ crate::Run */"), []);
    assert_eq!(imports(r##"const A: &str = "crate::Run \" crate::Run"; const B: &str = r#"" crate::Run "#;"##), []);
    assert_eq!(imports("fn a<'a>(b: &'a str) -> char { '\"' }\n/// [`crate::Run`]\nfn c() -> char { '\\'' }"), []);
    assert_eq!(imports("#[cfg(test)] mod tests { use crate::Run; }"), []);
    assert_eq!(imports("#[cfg(test)] use crate::Run;"), []);
    assert_eq!(imports("#[cfg(test)] #[derive(Debug)] fn a(b: [u8; 2]) -> u32 { crate::Run; 1 }"), []);
    // Other conditions are no excuse.
    imports_core("#[cfg(not(test))] use crate::Run;");
    imports_core("#[cfg(feature = \"proptest\")] use crate::Run;");
    imports_core("fn a() { 'a: loop { break 'a; } let c = 'c'; crate::Run; }");
}

#[test]
fn methods_outside_of_their_types_file() {
    let outside = |menu: &str| -> Vec<String> {
        with(menu)
            .methods_outside()
            .into_iter()
            .filter(|import| import.from == "fault/menu.rs")
            .map(|import| import.to)
            .collect()
    };
    assert_eq!(outside("use crate::Run; impl Run { fn a() {} }"), ["world/core.rs"]);
    assert_eq!(outside("impl<T: Into<u32>> crate::Run {}"), ["world/core.rs"]);
    assert_eq!(outside("use crate::Run; impl Into<u32> for Run {}"), [""; 0]);
}

#[test]
fn names_that_are_passed_on_are_used_only_where_they_stand_again() {
    let passed_on = |module: &str| -> bool {
        let read = Sources::of(&[("lib.rs", "mod a;"), ("a/mod.rs", module), ("a/b.rs", "pub struct B;")]).crate_of();
        read.imports().iter().all(|import| import.is_passed_on)
    };
    assert!(passed_on("mod b; pub use b::B;"));
    assert!(!passed_on("mod b; pub use b::B; struct A(B);"));
    assert!(!passed_on("mod b; use b::B;"));
}

#[test]
fn circles_are_found() {
    let graph = |edges: &[(&'static str, &'static str)]| -> Graph<'static> { edges.iter().copied().collect() };
    assert_eq!(graph(&[("a", "b"), ("b", "c"), ("a", "c")]).circle(), None);
    let one = graph(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]);
    assert_eq!(one.circle(), Some(vec!["a", "b", "c", "a"]));
    assert_eq!(one.tangles(), [["a", "b", "c"]]);
    assert_eq!((one.pairs().len(), one.back_edges().len()), (0, 1));
    let two = graph(&[("a", "b"), ("b", "a"), ("b", "c"), ("c", "b")]);
    assert_eq!((two.tangles().len(), two.pairs().len(), two.back_edges().len()), (1, 2, 2));
}
