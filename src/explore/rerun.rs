//! [`Rerun`]: the command that makes a failure again, as one pastes it into a shell.

use std::borrow::Cow;
use std::ffi::OsString;
use std::panic::Location;
use std::path::{Path, PathBuf};

use super::manifest::Manifest;
use super::target::{Place, Target};
use crate::fault::Plan;

/// How the test that goes on is started alone: package, target, name, and whatever else decides what is built.
#[derive(Clone, Debug)]
pub(super) struct Rerun {
    is_nextest: bool,
    shell: Shell,
    package: Option<String>,
    target: Target,
    /// Those without which the target is not built.
    features: Vec<String>,
    /// The package has features, and nobody says at run time which ones were asked for.
    may_need_features: bool,
    profile: Option<String>,
    test: TestName,
    /// How libtest was asked to run tests that are ignored.
    ignored: Option<&'static str>,
}

/// The test's name, as far as it is known.
#[derive(Clone, PartialEq, Eq, Debug)]
enum TestName {
    /// The thread's, which libtest names after the test.
    Exact(String),
    /// A part of it, maybe: the name that was given to the exploration.
    Part(String),
    Unknown,
}

/// The shell's way to set a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Shell {
    Posix,
    PowerShell,
}

/// The name of the thread of a process that is no test.
const MAIN: &str = "main";

impl Rerun {
    /// The command for the test that runs on this thread. `given` is the name that was given to the exploration, if any.
    pub(super) fn here(given: Option<&str>, location: &Location<'_>) -> Rerun {
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let executable = std::env::current_exe().unwrap_or_default();
        let package = get("CARGO_PKG_NAME");
        let folder = get("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let target = Target::of(Place {
            file: Path::new(location.file()),
            executable: without_hash(executable.file_stem().and_then(|name| name.to_str()).unwrap_or_default()),
            package: package.as_deref().unwrap_or_default(),
            folder: folder.as_deref().unwrap_or(Path::new("")),
        });
        let manifest = folder.as_deref().map(Manifest::of).unwrap_or_default();
        let required = target.in_manifest().map(|(kind, name)| manifest.required_features(kind, name));
        Rerun {
            is_nextest: get("NEXTEST").is_some(),
            shell: if cfg!(windows) { Shell::PowerShell } else { Shell::Posix },
            package,
            target,
            features: required.unwrap_or_default(),
            may_need_features: manifest.has_features(),
            profile: profile(&executable),
            test: TestName::of(std::thread::current().name(), given),
            ignored: ignored(std::env::args_os()),
        }
    }

    /// The target in the names of files: the name of the program that runs the test. A library's and a program's of one package
    /// are the same.
    pub(super) fn target_in_names<'a>(&self, executable: &'a str) -> Cow<'a, str> {
        match self.target {
            Target::Bin(_) => format!("bin::{executable}").into(),
            _ => executable.into(),
        }
    }

    /// The command for this plan. It is one line, however long.
    pub(super) fn command(&self, plan: &Plan) -> String {
        let plan = self.shell.quoted(&plan.to_string());
        let cargo = self.cargo().into_iter().map(|word| self.shell.word(&word)).collect::<Vec<_>>().join(" ");
        match self.shell {
            Shell::Posix => format!("DURASIM_PLAN={plan} {cargo}"),
            Shell::PowerShell => format!("$env:DURASIM_PLAN={plan}; {cargo}; $env:DURASIM_PLAN=''"),
        }
    }

    /// A remark on the command, if it needs one.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match &self.test {
            TestName::Unknown if !self.is_run() => Some("this runs all tests: name one by `.named(..)`"),
            _ if self.may_need_features && self.features.is_empty() => Some("add the `--features` that you test with"),
            _ => None,
        }
    }

    /// True if this is a program that is run, and no test.
    fn is_run(&self) -> bool {
        !matches!(self.test, TestName::Exact(_)) && matches!(self.target, Target::Example(_) | Target::Bin(_))
    }

    fn cargo(&self) -> Vec<String> {
        let mut words: Vec<String> = match (self.is_run(), self.is_nextest) {
            (true, _) => vec!["cargo", "run"],
            (_, true) => vec!["cargo", "nextest", "run"],
            (_, false) => vec!["cargo", "test"],
        }
        .into_iter()
        .map(str::to_owned)
        .collect();
        let mut add = |flag: &str, value: &str| words.extend([flag.to_owned(), value.to_owned()]);
        if let Some(package) = &self.package {
            add("-p", package);
        }
        match self.profile.as_deref() {
            Some("release") | None => {}
            Some(profile) if self.is_nextest => add("--cargo-profile", profile),
            Some(profile) => add("--profile", profile),
        }
        if !self.features.is_empty() {
            add("--features", &self.features.join(","));
        }
        if self.profile.as_deref() == Some("release") {
            words.push("--release".to_owned());
        }
        words.extend(self.target.arguments());
        words.extend(if self.is_nextest { self.nextest_filter() } else { self.libtest_filter() });
        words
    }

    fn nextest_filter(&self) -> Vec<String> {
        let escaped = |name: &str| {
            let escape = |character| if "\\()/,".contains(character) { vec!['\\', character] } else { vec![character] };
            name.chars().flat_map(escape).collect::<String>()
        };
        let filter = match &self.test {
            TestName::Exact(name) => vec!["-E".to_owned(), format!("test(={})", escaped(name))],
            TestName::Part(name) => vec![name.clone()],
            TestName::Unknown => Vec::new(),
        };
        let ignored = self.ignored.map(|_| ["--run-ignored".to_owned(), "all".to_owned()]);
        filter.into_iter().chain(ignored.into_iter().flatten()).collect()
    }

    fn libtest_filter(&self) -> Vec<String> {
        let filter: &[&str] = match &self.test {
            TestName::Exact(name) => &["--exact", name],
            TestName::Part(name) => &[name],
            TestName::Unknown => &[],
        };
        let words = self.ignored.iter().chain(filter);
        let words: Vec<String> = words.map(|word| (*word).to_owned()).collect();
        if words.is_empty() || self.is_run() { Vec::new() } else { [vec!["--".to_owned()], words].concat() }
    }
}

impl TestName {
    fn of(thread: Option<&str>, given: Option<&str>) -> TestName {
        match (thread.filter(|name| *name != MAIN), given.filter(|name| *name != MAIN)) {
            (Some(test), _) => TestName::Exact(test.to_owned()),
            (None, Some(given)) => TestName::Part(given.to_owned()),
            (None, None) => TestName::Unknown,
        }
    }
}

impl Shell {
    fn quoted(self, text: &str) -> String {
        match self {
            Shell::Posix => format!("'{}'", text.replace('\'', "'\\''")),
            Shell::PowerShell => format!("'{}'", text.replace('\'', "''")),
        }
    }

    /// As one word of a command, with quotes only if it needs them.
    fn word(self, text: &str) -> String {
        let is_plain = |character: char| character.is_alphanumeric() || "_:-.,/".contains(character);
        if !text.is_empty() && text.chars().all(is_plain) { text.to_owned() } else { self.quoted(text) }
    }
}

/// `promises` of `promises-0123456789abcdef`.
pub(super) fn without_hash(executable: &str) -> &str {
    let parts = executable.rsplit_once('-');
    let is_hash = |hash: &str| hash.len() == 16 && hash.chars().all(|digit| digit.is_ascii_hexdigit());
    parts.filter(|(_, hash)| is_hash(hash)).map_or(executable, |(name, _)| name)
}

/// The profile, by the folder that cargo builds in, unless it is the usual one:
/// `target/release/deps/promises-0123456789abcdef`.
fn profile(executable: &Path) -> Option<String> {
    let folder = executable.parent()?;
    let is_inner = ["deps", "examples"].iter().any(|inner| folder.ends_with(inner));
    let folder = folder.parent().filter(|_| is_inner)?;
    folder.file_name()?.to_str().filter(|name| *name != "debug").map(str::to_owned)
}

fn ignored(arguments: impl Iterator<Item = OsString>) -> Option<&'static str> {
    let known = ["--ignored", "--include-ignored"];
    arguments.into_iter().find_map(|argument| known.into_iter().find(|known| argument == *known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rerun(test: TestName) -> Rerun {
        Rerun {
            is_nextest: false,
            shell: Shell::Posix,
            package: Some("my-shop".to_owned()),
            target: Target::Test("buys".to_owned()),
            features: Vec::new(),
            may_need_features: false,
            profile: None,
            test,
            ignored: None,
        }
    }

    fn exact() -> Rerun {
        rerun(TestName::Exact("cart::sells".to_owned()))
    }

    #[track_caller]
    fn is(rerun: &Rerun, command: &str) {
        let plan = "v1; a#1@1:await1=crash".parse::<Plan>().unwrap();
        let set = format!("DURASIM_PLAN='{plan}' ");
        assert_eq!(rerun.command(&plan).strip_prefix(&set), Some(command));
    }

    #[test]
    fn cargo_is_told_package_target_and_the_exact_name() {
        is(&exact(), "cargo test -p my-shop --test buys -- --exact cart::sells");
        let lib = Rerun { target: Target::Lib, profile: Some("release".to_owned()), ..exact() };
        is(&lib, "cargo test -p my-shop --release --lib -- --exact cart::sells");
        let slow = Rerun { features: vec!["slow".to_owned()], profile: Some("ci".to_owned()), ..exact() };
        is(&slow, "cargo test -p my-shop --profile ci --features slow --test buys -- --exact cart::sells");
        let ignored = Rerun { ignored: Some("--ignored"), package: None, ..exact() };
        is(&ignored, "cargo test --test buys -- --ignored --exact cart::sells");
    }

    /// Cargo gives the programs of both the same name, but for a hash.
    #[test]
    fn the_tests_of_a_library_and_of_a_program_have_files_of_their_own() {
        let lib = Rerun { target: Target::Lib, ..exact() };
        let bin = Rerun { target: Target::Bin("my-shop".to_owned()), ..exact() };
        assert_eq!(lib.target_in_names("my_shop"), "my_shop");
        assert_eq!(bin.target_in_names("my_shop"), "bin::my_shop");
        assert_eq!(exact().target_in_names("buys"), "buys");
        assert_eq!(without_hash("shop-core-ad05e427114ffa68"), "shop-core");
        assert_eq!(without_hash("shop-core"), "shop-core");
    }

    #[test]
    fn nextest_has_a_form_of_its_own() {
        let nextest = Rerun { is_nextest: true, ..exact() };
        is(&nextest, "cargo nextest run -p my-shop --test buys -E 'test(=cart::sells)'");
        let ignored = Rerun { ignored: Some("--ignored"), profile: Some("ci".to_owned()), ..nextest };
        let command = "cargo nextest run -p my-shop --cargo-profile ci --test buys -E 'test(=cart::sells)'";
        is(&ignored, &format!("{command} --run-ignored all"));
    }

    #[test]
    fn what_has_no_tests_name_is_a_part_of_one_or_a_program() {
        is(&rerun(TestName::Part("it's".to_owned())), r"cargo test -p my-shop --test buys -- 'it'\''s'");
        let unknown = rerun(TestName::Unknown);
        is(&unknown, "cargo test -p my-shop --test buys");
        assert!(unknown.hint().is_some_and(|hint| hint.contains("`.named(..)`")));
        let example = Rerun { target: Target::Example("buy".to_owned()), ..unknown };
        is(&example, "cargo run -p my-shop --example buy");
        assert_eq!(example.hint(), None);
    }

    #[test]
    fn names_with_quotes_are_quoted() {
        let plan = "v1; a#1@1:await1=crash".parse::<Plan>().unwrap().with_exploration("it's \"one\"");
        let command = exact().command(&plan);
        // In a plan, as JSON.
        assert!(command.starts_with(r#"DURASIM_PLAN='v1 seed=0 order=fifo for="it\u0027s \"one\""; "#), "{command}");
        let command = Rerun { shell: Shell::PowerShell, ..exact() }.command(&plan);
        assert!(command.starts_with(r#"$env:DURASIM_PLAN='v1 seed=0 order=fifo for="it\u0027s "#), "{command}");
        assert!(command.ends_with("; cargo test -p my-shop --test buys -- --exact cart::sells; $env:DURASIM_PLAN=''"));
    }

    #[test]
    fn the_executable_tells_name_and_profile() {
        assert_eq!(without_hash("buys_once-0123456789abcdef"), "buys_once");
        assert_eq!(without_hash("buys-once"), "buys-once");
        let profile = |path: &str| profile(Path::new(path));
        assert_eq!(profile("/t/debug/deps/buys-0123456789abcdef"), None);
        assert_eq!(profile("/t/x86/release/deps/buys-0123456789abcdef").as_deref(), Some("release"));
        assert_eq!(profile("/t/ci/examples/buys").as_deref(), Some("ci"));
        assert_eq!(profile("/usr/bin/buys"), None);
    }

    #[test]
    fn the_thread_goes_before_the_name_that_was_given() {
        assert_eq!(TestName::of(Some("a::b"), Some("given")), TestName::Exact("a::b".to_owned()));
        assert_eq!(TestName::of(Some("main"), Some("given")), TestName::Part("given".to_owned()));
        assert_eq!(TestName::of(None, None), TestName::Unknown);
    }
}
