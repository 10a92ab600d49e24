//! The message of a failure: long values as a difference, coloured on a terminal and plain elsewhere.

use std::process::Command;
use std::time::Duration;

use durasim::{ActivityContext, ActivityError, Exploration, Simulation, WorkflowContext, WorkflowError, check};
use serde::{Deserialize, Serialize};

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
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "explore::message::asserted", "--color", "never"])
        .env_remove("CLICOLOR_FORCE")
        .env_remove("NO_COLOR")
        .env_remove("DURASIM_PLAN")
        .env("RUST_BACKTRACE", "0")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("archive_is_complete: `same_result` does not hold"), "{text}");
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
        text[start..].split("reproduce with").next().unwrap_or_default().to_owned()
    };
    assert_eq!(message(&console::strip_ansi_codes(&text)), message(&with(&[])));
}

#[test]
fn no_color_is_obeyed() {
    assert!(!with(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]).contains('\u{1b}'));
}

#[test]
fn control_characters_of_a_users_text_are_escaped() {
    let clears_the_screen = check::named("custom", |_: &durasim::Run| Err::<(), _>("\u{1b}[2J\u{7}gone\nnext"));
    let simulation = durasim::Simulation::temporal().workflow("nap", async |ctx: &durasim::WorkflowContext, (): ()| {
        ctx.sleep(std::time::Duration::from_secs(1)).await
    });
    let report = simulation.explore("nap", &()).every_fault().check(clears_the_screen).report();
    let text = &report.failures()[0].text;
    assert!(text.contains("\\u{1b}[2J\\u{7}gone\nnext") && !text.contains('\u{1b}'), "{text}");
}
