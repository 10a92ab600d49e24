//! A wrong signature is explained: each one that a newcomer writes has its message.
//!
//! rustc compiles them all at once, against the library that this test was built with.

use std::env;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const PRELUDE: &str = "#![allow(unused)]
use durasim::*;
use std::{cell::Cell, rc::Rc};
pub fn simulation() -> Simulation { Simulation::temporal() }
pub struct Opaque;
";

/// Code that does not compile, and the words of rustc about it.
struct Wrong {
    code: &'static str,
    says: &'static [&'static str],
}

const NOT_AN_ACTIVITY: &str = "this is not an activity";
const NOT_A_WORKFLOW: &str = "this is not a workflow";
/// The line of the bound, where rustc does not come to the bound's own message.
const THE_ACTIVITY: &str =
    "F: ActivityFn<I, O>, // `async fn(&ActivityContext, Input) -> Result<Output, ActivityError>`";
const THE_WORKFLOW: &str =
    "F: WorkflowFn<I, O>, // `async fn(&WorkflowContext, Input) -> Result<Output, WorkflowError>`";
const NO_RC: &str = "`Send`, `Sync` and `'static`: no `Rc`, `Cell` or borrow";

/// A closure of an activity that captures `one`, and one that only borrows it.
macro_rules! capturing {
    ($one:literal, $how:literal) => {
        concat!(
            "pub fn f() { let one = ",
            $one,
            "; let _ = simulation().activity(\"a\", async ",
            $how,
            "|_: &ActivityContext, n: u32| -> Result<u32, ActivityError> { let _one = &one; Ok(n) }); }"
        )
    };
}

const ACTIVITIES: [Wrong; 12] = [
    Wrong { code: capturing!("Rc::new(1)", "move "), says: &[NOT_AN_ACTIVITY, NO_RC, "a `durasim::Handle` to state"] },
    Wrong { code: capturing!("Cell::new(1)", "move "), says: &[NOT_AN_ACTIVITY, NO_RC] },
    Wrong { code: capturing!("String::new()", ""), says: &["`one` does not live long enough", "`'static`"] },
    Wrong {
        code: "async fn a(_: &ActivityContext, name: &str) -> Result<u32, ActivityError> { Ok(1) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &["is not general enough", "`&str` must implement"],
    },
    Wrong {
        code: "async fn a(_: &ActivityContext) -> Result<u32, ActivityError> { Ok(1) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &["expected to take 2 arguments, but it takes 1 argument", THE_ACTIVITY],
    },
    Wrong {
        code: "async fn a(_: &ActivityContext, n: u32, m: u32) -> Result<u32, ActivityError> { Ok(n + m) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &["expected to take 2 arguments, but it takes 3 arguments", THE_ACTIVITY],
    },
    Wrong {
        code: "async fn a(_: ActivityContext, n: u32) -> Result<u32, ActivityError> { Ok(n) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &["&'a durasim::ActivityContext, _", THE_ACTIVITY],
    },
    Wrong {
        code: "async fn a(_: &ActivityContext, n: u32) -> Result<u32, String> { Ok(n) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &[NOT_AN_ACTIVITY, "the error exactly `ActivityError`"],
    },
    Wrong {
        code: "async fn a(_: &ActivityContext, n: u32) -> u32 { n }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &[NOT_AN_ACTIVITY, "-> Result<Output, ActivityError>`"],
    },
    Wrong {
        code: "fn a(_: &ActivityContext, n: u32) -> Result<u32, ActivityError> { Ok(n) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &[NOT_AN_ACTIVITY, "expected `async fn(&ActivityContext, Input)"],
    },
    Wrong {
        code: "async fn a(_: &ActivityContext, n: Opaque) -> Result<u32, ActivityError> { Ok(1) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &["`Opaque` cannot be decoded from JSON", "derive `serde::Deserialize`"],
    },
    Wrong {
        code: "async fn a(_: &ActivityContext, n: u32) -> Result<Opaque, ActivityError> { Ok(Opaque) }
pub fn f() { let _ = simulation().activity(\"a\", a); }",
        says: &["#[derive(serde::Serialize)]"],
    },
];

const WORKFLOWS: [Wrong; 7] = [
    Wrong {
        code: "pub fn f() { let one = Rc::new(1); let _ = simulation().workflow(\"w\", \
               async move |_: &WorkflowContext, n: u32| -> Result<u32, WorkflowError> { let _one = &one; Ok(n) }); }",
        says: &[NOT_A_WORKFLOW, NO_RC],
    },
    Wrong {
        code: "async fn w(_: &WorkflowContext) -> Result<u32, WorkflowError> { Ok(1) }
pub fn f() { let _ = simulation().workflow(\"w\", w); }",
        says: &["expected to take 2 arguments, but it takes 1 argument", THE_WORKFLOW],
    },
    Wrong {
        code: "async fn w(_: WorkflowContext, n: u32) -> Result<u32, WorkflowError> { Ok(n) }
pub fn f() { let _ = simulation().workflow(\"w\", w); }",
        says: &["&'a durasim::WorkflowContext, _", THE_WORKFLOW],
    },
    Wrong {
        code: "async fn w(_: &WorkflowContext, n: u32) -> Result<u32, ActivityError> { Ok(n) }
pub fn f() { let _ = simulation().workflow(\"w\", w); }",
        says: &[NOT_A_WORKFLOW, "the error exactly `WorkflowError`"],
    },
    Wrong {
        code: "pub async fn w(ctx: &WorkflowContext, n: u32) -> Result<u32, WorkflowError> {
    ctx.execute_activity::<&str>(\"a\", &n, ActivityOptions::default()).await?; Ok(n) }",
        says: &["is not general enough", "`&str` must implement"],
    },
    Wrong {
        code: "pub async fn w(ctx: &WorkflowContext, n: u32) -> Result<u32, WorkflowError> {
    ctx.execute_activity::<Opaque>(\"a\", &n, ActivityOptions::default()).await?; Ok(n) }",
        says: &["`Opaque` cannot be decoded from JSON"],
    },
    Wrong {
        code: "pub async fn w(ctx: &WorkflowContext, n: u32) -> Result<u32, WorkflowError> {
    ctx.on_query(\"n\", move |()| n); Ok(n) }",
        says: &["expected `Result<_, WorkflowError>`, found `u32`"],
    },
];

const OTHERS: [Wrong; 7] = [
    Wrong {
        code: "pub fn a(ctx: &ActivityContext) { let _ = ctx.heartbeat_details::<&str>(); }",
        says: &["is not general enough", "`&str` must implement"],
    },
    Wrong {
        code: "pub fn f(e: Exploration) { let _ = e.check(check::named(\"n\", |run: &Run| run.result() == Ok(1))); }",
        says: &["a check returns nothing and asserts, or returns a `Result`", "instead of a `bool`"],
    },
    Wrong {
        code: "pub fn f(e: Exploration) { let _ = e.check(|run: &Run| assert_eq!(run.result(), Ok(1))); }",
        says: &["this is not a check", "check::named("],
    },
    Wrong {
        code: "pub fn f(e: Exploration) { let one = Rc::new(1); \
               let _ = e.check(check::named(\"n\", move |_: &Run| { let _one = &one; })); }",
        says: &["Rc<i32>` cannot be sent between threads safely"],
    },
    Wrong {
        code: "pub fn f() { let one = Rc::new(1); let _ = simulation().state(move || one.clone()); }",
        says: &["Rc<i32>` cannot be sent between threads safely"],
    },
    Wrong {
        code: "pub fn f() { let _ = simulation().explore_script(async |_: Client| Opaque); }",
        says: &["a script cannot return `Opaque`", "a value that implements `serde::Serialize`"],
    },
    Wrong {
        code: "pub fn f() { let _ = simulation().explore_script(async |_: Client| -> Result<u32, Opaque> { Ok(1) }); }",
        says: &["a script cannot return `Result<u32, Opaque>`", "`Box<dyn std::error::Error>`"],
    },
];

/// The library that this test is linked with: the newest beside it.
fn library() -> PathBuf {
    let test = env::current_exe().unwrap();
    let beside = fs::read_dir(test.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let libraries = beside.filter(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("libdurasim-") && name.ends_with(".rlib")
    });
    libraries.max_by_key(|path| fs::metadata(path).unwrap().modified().unwrap()).unwrap()
}

/// rustc's errors: the line of the source that each is about, and its text.
fn errors(source: &str) -> Vec<(usize, String)> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let (file, library) = (folder.join("wrong_signatures.rs"), library());
    fs::write(&file, source).unwrap();
    let output = Command::new(env::var_os("RUSTC").unwrap_or("rustc".into()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["--edition=2024", "--crate-type=lib", "--emit=metadata", "--error-format=json"])
        .arg(format!("--extern=durasim={}", library.display()))
        .arg(format!("-Ldependency={}", library.parent().unwrap().display()))
        .arg(format!("--out-dir={}", folder.display()))
        .arg(&file)
        .output()
        .unwrap();
    let texts = String::from_utf8(output.stderr).unwrap();
    let diagnostics = texts.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let errors = diagnostics.filter(|diagnostic| diagnostic["level"] == "error");
    let placed = errors.filter_map(|error| {
        let line = error["spans"].as_array()?.iter().find(|span| span["is_primary"] == true)?["line_start"].as_u64()?;
        Some((line as usize, error["rendered"].as_str()?.to_owned()))
    });
    placed.collect()
}

#[test]
fn each_wrong_signature_is_explained() {
    let mut source = PRELUDE.to_owned();
    let mut wrongs: Vec<(Range<usize>, &Wrong)> = Vec::new();
    for wrong in ACTIVITIES.iter().chain(&WORKFLOWS).chain(&OTHERS) {
        let first = source.lines().count() + 1;
        source.push_str(&format!("pub mod m{} {{ use super::*;\n{}\n}}\n", wrongs.len(), wrong.code));
        wrongs.push((first..source.lines().count() + 1, wrong));
    }
    let errors = errors(&source);
    for (lines, wrong) in wrongs {
        let texts: String = errors.iter().filter(|(line, _)| lines.contains(line)).map(|(_, text)| &**text).collect();
        for words in wrong.says {
            assert!(texts.contains(words), "{}\nis to say: {words}\nand says:\n{texts}", wrong.code);
        }
    }
}
