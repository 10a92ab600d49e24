//! `cargo run -p activity_advanced`: what it prints, and the line with which it says a run can be reproduced.

use std::process::{Command, Output};

fn command(plan: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_activity_advanced"));
    command.env_remove("DURASIM_PLAN").env_remove("DURASIM_SEED");
    if let Some(plan) = plan {
        command.env("DURASIM_PLAN", plan);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn the_summary_holds_and_its_line_replays_the_run_it_shows() {
    let shown = command(None);
    let text_shown = text(&shown.stdout);
    assert!(shown.status.success(), "{text_shown}");
    assert!(text_shown.contains("lost progress: 0\n"), "{text_shown}");
    let summary_line = |name: &str| text_shown.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    for part in ["every fault: ", "seeds 0..1000: 1,000/1,000 hold"] {
        let line = summary_line(part);
        assert!(line.contains(" hold (") && !line.contains("FAILED"), "{line}");
    }

    let (_, line) = text_shown.split_once("DURASIM_PLAN='").unwrap();
    let (plan, rest) = line.split_once('\'').unwrap();
    assert_eq!(rest.trim(), "cargo run -p activity_advanced");
    let replayed = command(Some(plan));
    assert!(replayed.status.success());
    let text_replayed = text(&replayed.stdout);
    let end = text_shown.lines().rfind(|line| line.contains("workflow completed")).unwrap();
    assert!(text_replayed.contains(end), "{text_replayed}");
}

#[test]
fn a_plan_that_is_none_is_refused_with_the_right_form() {
    let output = command(Some("process_large_file#1@1:await17=explode"));
    assert_eq!(output.status.code(), Some(2));
    let error = text(&output.stderr);
    assert!(error.contains("DURASIM_PLAN is not a plan") && error.contains("await17=crash"), "{error}");
}

#[test]
fn a_plan_whose_point_is_not_there_says_so() {
    let output = command(Some("process_large_file#1@1:await170=crash"));
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("`process_large_file#1@1:await170=crash`"), "{error}");
}
