//! `cargo run -p activity_advanced` prints that everything holds, and a command that reproduces the run it shows.

use std::process::{Command, Output};

use activity_advanced::broken::BUGS;

fn command(arguments: &[&str], plan: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_activity_advanced"));
    command.args(arguments).env_remove("DURASIM_PLAN").env_remove("DURASIM_SEED");
    if let Some(plan) = plan {
        command.env("DURASIM_PLAN", plan);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The numbers of the line of this name.
fn numbers(shown: &str, name: &str) -> Vec<String> {
    let line = shown.lines().find(|line| line.trim_start().starts_with(name)).unwrap();
    line.trim_start().trim_start_matches(name).split_whitespace().map(str::to_owned).collect()
}

/// The words of a command line. A plan stands between single quotes and may hold spaces, the rest does not.
fn words(line: &str) -> Vec<String> {
    line.split('\'')
        .zip([false, true].into_iter().cycle())
        .flat_map(|(part, quoted)| if quoted { vec![part] } else { part.split_whitespace().collect() })
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_table_holds_and_its_command_replays_the_run_that_is_shown() {
    let output = command(&[], None);
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}");
    assert_eq!(numbers(&shown, "FAILED"), ["0"; 8]);
    assert_eq!(numbers(&shown, "lost progress"), ["0"; 8]);
    assert_eq!(numbers(&shown, "runs under random faults"), ["1,000"; 8]);

    let (_, line) = shown.split_once("cargo run -p activity_advanced -- ").unwrap();
    let words = words(&line.replace("\\\n", " "));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["--workflow", workflow, "--plan", plan] = words[..] else { panic!("{words:?}") };
    let end = shown.lines().rfind(|line| line.contains("workflow completed")).unwrap();
    for replayed in [command(&words, None), command(&["--workflow", workflow], Some(plan))] {
        assert!(replayed.status.success());
        assert!(text(&replayed.stdout).contains(end), "{}", text(&replayed.stdout));
    }
}

/// Timelines are wider: they hold the details of heartbeats and results.
#[test]
fn all_but_the_timeline_fits_80_columns() {
    for arguments in [&["--seeds", "20"] as &[&str], &["--help"], &["--dialect", "cadence", "--seeds", "20"]] {
        let shown = text(&command(arguments, None).stdout);
        let is_timeline = |line: &str| (line.starts_with("  ") || line.starts_with(">>>")) && line.contains("s  ");
        let lines = shown.lines().filter(|line| !is_timeline(line));
        let wide: Vec<&str> = lines.filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{}", wide.join("\n"));
    }
}

#[test]
fn a_planted_bug_is_found_and_explained_and_its_run_can_be_seen() {
    for bug in &BUGS {
        let option = format!("--break={}", bug.number);
        let output = command(&[&option], None);
        let shown = text(&output.stdout);
        assert!(output.status.success(), "{shown}");
        assert!(shown.starts_with(&format!("Found: bug {}, {}.\n", bug.number, bug.about)), "{shown}");
        assert!(shown.contains(&format!("The check `{}` noticed it", bug.check)), "{shown}");
        assert!(shown.contains(bug.words) && shown.contains(bug.file), "{shown}");
        let (story, line) = shown.rsplit_once("cargo run -p activity_advanced -- ").unwrap();
        let wide: Vec<&str> = shown.lines().filter(|line| line.chars().count() > 80).collect();
        assert!(wide.is_empty(), "{}", wide.join("\n"));
        assert!(!story.contains("DURASIM_PLAN"), "{story}");
        let words = words(&line.replace("\\\n", " "));
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ["--plan", plan] = words[1..] else { panic!("{words:?}") };
        assert_eq!(words[0], option);
        let replayed = command(&words, None);
        assert!(replayed.status.success(), "{}", text(&replayed.stderr));
        assert!(text(&replayed.stdout).lines().next().unwrap().contains(plan), "{}", text(&replayed.stdout));
    }
    assert!(text(&command(&["--break"], None).stdout).starts_with("Found: bug 4, "));
}

#[test]
fn one_workflow_with_a_few_seeds_as_json() {
    let output = command(&["--workflow", "deadline_aware", "--seeds", "10..30", "--json"], None);
    assert!(output.status.success());
    let columns: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(columns[0]["workflow"], "deadline_aware");
    assert_eq!(columns[0]["runs_under_random_faults"], 20);
    assert_eq!(columns[0]["failed"], 0);
    assert!(columns[0]["resumed"].as_u64().unwrap() > 0);
    assert_eq!(columns.as_array().unwrap().len(), 1);
}

#[test]
fn a_seed_gives_the_same_run_each_time_and_a_plan_of_it() {
    let run = |arguments: &[&str]| text(&command(arguments, None).stdout);
    let seed = ["--workflow", "data_migration", "--seed", "11"];
    let shown = run(&seed);
    assert_eq!(run(&seed), shown);
    let plan = shown.lines().next().unwrap();
    assert_eq!(run(&["--plan", plan]), shown);
}

#[test]
fn cadence_is_named_in_its_timelines() {
    let output = command(&["--dialect", "cadence", "--plan", "process_large_file#1@1:await3=crash"], None);
    assert!(text(&output.stdout).contains("dialect cadence (from sources, not recorded)"));
}

#[test]
fn wrong_values_are_refused_with_the_right_form() {
    let plan = "process_large_file#1@1:await17=explode";
    let refused = [
        (command(&[], Some(plan)), "await17=crash"),
        (command(&["--plan", plan], None), "await17=crash"),
        (command(&["--workflow", "file"], None), "[possible values: resilient_processing, file_processing"),
        (command(&["--seeds", "lots"], None), "500..600"),
        (command(&["--dialect=zeebe"], None), "temporal, cadence"),
        (command(&["--verbose"], None), "--help"),
        (command(&["--break=8"], None), "[possible values: 4, 5, 6, 7]"),
        (command(&["--break", "--seed", "1"], None), "cannot be used with"),
        (command(&["--seed", "1", "--plan", "v1"], None), "cannot be used with"),
    ];
    for (output, why) in refused {
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.starts_with("error: ") && error.contains(why), "{error}");
    }
}

#[test]
fn a_variable_that_is_in_the_way_is_named_and_an_empty_one_is_not() {
    let output = command(&["--seed", "7"], Some("v1"));
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("note: DURASIM_PLAN is set"), "{}", text(&output.stderr));
    assert!(command(&["--seed", "7"], Some(" ")).status.success());
}

#[test]
fn help_names_every_option_and_workflow() {
    let output = command(&["--help"], None);
    let help = text(&output.stdout);
    assert!(output.status.success());
    for word in ["--workflow", "--seeds", "--seed", "--plan", "--dialect", "--json", "skip_at_a_signal"] {
        assert!(help.contains(word), "{word}");
    }
}

#[test]
fn a_plan_whose_point_is_not_there_says_so() {
    let output = command(&["--plan", "process_large_file#1@1:await170=crash"], None);
    assert_eq!(output.status.code(), Some(1));
    let error = text(&output.stderr);
    assert!(error.contains("`process_large_file#1@1:await170=crash`"), "{error}");
}

/// Every command of the README that has a plan.
#[test]
fn the_commands_of_the_readme_run() {
    let readme = include_str!("../../README.md").replace("\\\n", " ");
    let commands: Vec<&str> =
        readme.lines().filter_map(|line| line.trim().strip_prefix("cargo run -p activity_advanced -- ")).collect();
    assert!(commands.len() >= 12, "{}", commands.len());
    for line in commands {
        let words = words(line);
        let output = command(&words.iter().map(String::as_str).collect::<Vec<_>>(), None);
        assert!(output.status.success(), "{line}\n{}", text(&output.stderr));
    }
}
