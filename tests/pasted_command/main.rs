//! The command of a failure works as it is pasted: small packages are built, their tests fail, and the last line of each
//! failure is given to a shell. The same check fails again, in one test of one executable.
//!
//! `cargo test --test pasted_command -- --ignored` runs it; nextest has to be installed.
#![cfg(unix)]

mod workspace;

use workspace::Workspace;

/// A test that fails: its file, its name, what `.named(..)` gives the exploration, if anything, and words of the command.
struct Situation {
    file: &'static str,
    test: &'static str,
    named: Option<&'static str>,
    says: &'static [&'static str],
}

const SITUATIONS: [Situation; 9] = [
    // A member of the workspace, which is not its root.
    Situation {
        file: "crates/cart/tests/buys-once.rs",
        test: "buys",
        named: None,
        says: &["-p my-cart", "--test buys-once"],
    },
    Situation {
        file: "crates/cart/tests/wide.rs",
        test: "needs_a_feature",
        named: None,
        says: &["--features slow", "--test wide"],
    },
    Situation { file: "crates/cart/tests/deep/main.rs", test: "shallow", named: None, says: &["--test deep"] },
    Situation {
        file: "crates/cart/tests/deep/inner/down.rs",
        test: "inner::down::below",
        named: None,
        says: &["--test deep"],
    },
    Situation {
        file: "crates/cart/src/stock/mod.rs",
        test: "stock::counts",
        named: None,
        says: &["-p my-cart", "--lib"],
    },
    Situation { file: "crates/cart/src/bin/sell-all.rs", test: "tests::sells", named: None, says: &["--bin sell-all"] },
    // A program without a library, in a folder whose name says something else.
    Situation {
        file: "tests/src/main.rs",
        test: "tests::main_has_tests",
        named: None,
        says: &["-p till", "--bin till"],
    },
    Situation {
        file: "crates/cart/tests/names.rs",
        test: "quoted",
        named: Some("it's \"one\""),
        says: &["--test names"],
    },
    Situation {
        file: "crates/cart/tests/names2.rs",
        test: "r#match",
        named: Some("tests/a b.rs"),
        says: &["--test names2"],
    },
];

#[test]
#[ignore = "it builds packages"]
fn with_cargo_and_with_nextest() {
    let workspace = Workspace::new(&SITUATIONS);
    for runner in ["test", "nextest run"] {
        let all = format!("cargo {runner} --workspace --all-features --no-fail-fast");
        let printed = workspace.shell(&all);
        for situation in &SITUATIONS {
            let command = situation.command(&printed);
            assert!(command.contains(&format!(" cargo {runner} -p ")), "{command}");
            for words in situation.says {
                assert!(command.contains(words), "{words:?} is missing in\n{command}");
            }
            let again = workspace.shell(&command);
            assert!(again.contains("`same_result` does not hold"), "{command}\n{again}");
            assert_eq!(situation.command(&again), command, "{again}");
            // One test of one executable was built and run.
            let one = ["running 1 test\n", "1 test run: 0 passed, 1 failed"].iter().any(|one| again.contains(one));
            assert!(one && again.matches("     Running ").count() <= 1, "{command}\n{again}");
        }
    }
}

impl Situation {
    /// The command that was printed for it.
    fn command(&self, printed: &str) -> String {
        let name = self.named.unwrap_or(self.test).replace('"', "\\\"").replace('\'', "\\u0027");
        let is_own = |line: &&str| {
            let of = |name: &str| line.contains(&format!(" for={name};"));
            line.starts_with("DURASIM_PLAN='") && (of(&name) || of(&format!("\"{name}\"")))
        };
        let mut lines = printed.lines().map(str::trim).filter(is_own);
        lines.next().unwrap_or_else(|| panic!("no command for {name} in\n{printed}")).to_owned()
    }
}
