//! The message of a failure: long values as a difference, coloured on a terminal and plain elsewhere.

use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, Run, Simulation, WorkflowContext, WorkflowError, check};
use serde::{Deserialize, Serialize};

use crate::child::child;
use crate::snapshot::assert_kept;

use super::resilient;

#[derive(Serialize, Deserialize)]
struct Archive {
    bucket: String,
    checksum: String,
    files: Vec<String>,
    resumed: bool,
    rows: u32,
}

/// Makes the checksum of the files that this attempt has seen.
async fn pack(ctx: &ActivityContext, files: u32) -> Result<Archive, ActivityError> {
    let done = ctx.heartbeat_details::<u32>()?.unwrap_or(0);
    let mut checksum = "init".to_owned();
    for file in done..files {
        durasim::time::sleep(Duration::from_secs(10)).await;
        checksum += &format!("-{file}");
        ctx.heartbeat(&(file + 1))?;
    }
    let files = (0..files).map(|file| format!("files/{file}.parquet")).collect();
    Ok(Archive { bucket: "archive".to_owned(), checksum, files, resumed: false, rows: 12_000 })
}

fn explored() -> Exploration {
    Simulation::temporal()
        .activity("pack", pack)
        .workflow("archive", async |ctx: &WorkflowContext, files: u32| -> Result<Archive, WorkflowError> {
            ctx.execute_activity("pack", &files, resilient()).await
        })
        .explore("archive", &6u32)
        .named("archive_is_complete")
        .every_fault()
        .check(check::same_result())
}

#[test]
fn a_long_result_is_shown_as_a_difference() {
    let report = explored().report();
    assert_kept("message_with_difference", &report.failures()[0].text);
}

/// The processes of [`with`] run this.
#[test]
#[ignore = "the tests of this file run it"]
fn asserted() {
    explored().assert();
}

/// The output of such a process, where stderr is no terminal.
fn with(variables: &[(&str, &str)]) -> String {
    let output = child("explore::message::asserted")
        .args(["--color", "never"])
        .env_remove("CLICOLOR_FORCE")
        .env_remove("FORCE_COLOR")
        .env_remove("NO_COLOR")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("`same_result` does not hold"), "{text}");
    text
}

#[test]
fn plain_where_no_terminal_shows_it() {
    assert!(!with(&[]).contains('\u{1b}'));
}

#[test]
fn coloured_when_forced_with_the_same_words() {
    let text = with(&[("CLICOLOR_FORCE", "1")]);
    let (red, green) = ("\u{1b}[31m", "\u{1b}[32m");
    assert!(text.contains(&format!("{red}+   \"checksum\"")), "{text}");
    assert!(text.contains(&format!("{green}-   \"checksum\"")), "{text}");
    let message = |text: &str| {
        let start = text.find("archive_is_complete: `").unwrap();
        text[start..].split("test result").next().unwrap_or_default().to_owned()
    };
    assert_eq!(message(&console::strip_ansi_codes(&text)), message(&with(&[])));
}

#[test]
fn no_color_is_obeyed() {
    assert!(!with(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1"), ("FORCE_COLOR", "1")]).contains('\u{1b}'));
}

#[test]
fn force_color_is_obeyed() {
    assert!(with(&[("FORCE_COLOR", "1")]).contains('\u{1b}'));
    assert!(!with(&[("FORCE_COLOR", "0"), ("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
}

#[test]
fn control_characters_of_a_users_text_are_escaped() {
    let clears_the_screen = check::named("custom", |_: &durasim::Run| Err::<(), _>("\u{1b}[2J\u{7}gone\nnext\u{202e}"));
    let simulation = durasim::Simulation::temporal().workflow("nap", async |ctx: &durasim::WorkflowContext, (): ()| {
        ctx.sleep(std::time::Duration::from_secs(1)).await
    });
    let report = simulation.explore("nap", &()).every_fault().check(clears_the_screen).report();
    let text = &report.failures()[0].text;
    // The marks of writing directions too, wherever they come from.
    assert!(text.contains("\\u{202e}") && !text.contains('\u{202e}'), "{text}");
    assert!(text.contains("\\u{1b}[2J\\u{7}gone\n│ next") && !text.contains('\u{1b}'), "{text}");
}

/// The general check comes first, and two others fail for causes of their own.
fn with_several_checks() -> Exploration {
    let is_first = |run: &Run| run.activities().iter().all(|activity| activity.attempts.len() == 1);
    let is_never_cancelled = |run: &Run| !run.timeline().to_string().contains("asked to cancel");
    let said = |holds: bool, what: &str| if holds { Ok(()) } else { Err(what.to_owned()) };
    explored()
        .named("several")
        .check(check::named("tried_once", move |run: &Run| said(is_first(run), "it is tried again")))
        .check(
            check::named("never_asked", move |run: &Run| said(is_never_cancelled(run), "it is asked to cancel"))
                .all_runs(),
        )
}

#[test]
#[ignore = "the tests of this file run it"]
fn several() {
    with_several_checks().assert();
}

/// The output of a child, with these arguments of libtest.
fn printed(test: &str, arguments: &[&str]) -> String {
    let output = child(&format!("explore::message::{test}"))
        .args(["--color", "never"])
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
}

#[test]
fn checks_that_fail_for_one_cause_are_one_failure_and_the_most_telling_comes_first() {
    let text = printed("several", &[]);
    let boxes: Vec<&str> = text.split("╭─ ").skip(1).collect();
    let [other, last] = boxes[..] else { panic!("{text}") };
    assert!(other.contains("│ `never_asked` does not hold: it is asked to cancel"), "{text}");
    assert!(last.contains("│ `tried_once` does not hold: it is tried again"), "{text}");
    assert!(last.contains("│ also      1 more check fails: same_result; another failure stands above\n"), "{text}");
    // A timeline is told of the last one only, and nothing of what passed.
    assert_eq!(text.matches(">>> ").count(), 1, "{text}");
    assert!(!text.contains("coverage") && !text.contains(" hold (") && !text.contains("panicked"), "{text}");
}

#[test]
fn the_report_is_told_where_all_output_is_wanted() {
    let text = printed("asserted", &["--nocapture"]);
    let report = text.find("  every fault: ").unwrap_or_else(|| panic!("{text}"));
    assert!(text.contains("coverage: ") && report < text.find("╭─ ").unwrap(), "{text}");
}

#[test]
#[should_panic(
    expected = "archive_is_complete: `same_result` does not hold: the workflow did not end as it does without faults; if a"
)]
fn whoever_expects_the_panic_gets_the_text_in_one_piece() {
    explored().assert();
}

#[test]
fn the_panic_can_be_caught_and_joined() {
    let joined = std::thread::spawn(|| explored().assert()).join().unwrap_err();
    let text = joined.downcast::<String>().unwrap();
    assert!(text.contains("DURASIM_PLAN='v1 ") && text.contains("every fault: "), "{text}");
}
