//! [`Arguments`]: the options of the command.

use std::env;
use std::ffi::OsString;
use std::ops::Range;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{ArgAction, Command, CommandFactory, FromArgMatches, Parser};
use durasim::Dialect;
use durasim::fault::Plan;

use crate::broken::{BUGS, Bug};
use crate::stops::{STOPS, Stop};

// Lines are broken by hand: to have clap break them takes a package that asks the terminal for its width.
/// The guided tour of durasim: long activities under every fault.
///
/// Without options it runs all workflows: without faults, under every fault, and
/// under 1,000 random plans each. Then it shows one of the runs.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo run -p activity_advanced --", verbatim_doc_comment, disable_help_flag = true)]
#[command(after_help = "DURASIM_SEED and DURASIM_PLAN in the environment mean the same as --seed and\n--plan.")]
pub struct Arguments {
    /// Run this workflow only
    #[arg(long, value_name = "NAME", value_parser = workflows())]
    pub workflow: Option<&'static Stop>,

    /// Make so many random plans for each workflow, or those of seeds A..B
    #[arg(long, value_name = "N", default_value = "1000", value_parser = seeds, conflicts_with_all = ["seed", "plan"])]
    pub seeds: Range<u64>,

    /// Make one run instead, with the random faults of this seed
    #[arg(long, value_name = "N", env = "DURASIM_SEED", hide_env = true, conflicts_with = "plan")]
    pub seed: Option<u64>,

    /// Make one run instead, with these faults, such as
    /// 'process_large_file#1@1:await17=crash'
    #[arg(long, env = "DURASIM_PLAN", hide_env = true, value_parser = plan, verbatim_doc_comment)]
    pub plan: Option<Plan>,

    /// Plant a bug instead, find it, and explain it. 4 if no number is given:
    #[arg(long = "break", value_name = "NUMBER", value_parser = bugs(), num_args = 0..=1, require_equals = true)]
    #[arg(default_missing_value = "4", conflicts_with_all = ["seed", "seeds", "workflow", "json"])]
    pub bug: Option<&'static Bug>,

    /// Choose the server whose rules the service follows
    #[arg(long, value_name = "NAME", default_value = "temporal", value_parser = dialects())]
    pub dialect: Dialect,

    /// Print numbers for programs instead of text
    #[arg(long)]
    pub json: bool,

    /// Print this
    #[arg(long, short, action = ArgAction::HelpLong)]
    help: Option<bool>,
}

/// The forms that are shown with an error.
const PLAN_FORM: &str = "process_large_file#1@1:await17=crash";
const SEEDS_FORM: &str = "1000 or 500..600";

impl Arguments {
    /// Reads the arguments of this process and its variables `DURASIM_PLAN` and `DURASIM_SEED`. Ends it if they are wrong or
    /// if help was asked for.
    pub fn read() -> Arguments {
        Arguments::parse_from(env::args_os()).unwrap_or_else(|error| {
            // The message names options only, and the other one may come from the environment.
            let set = ["DURASIM_PLAN", "DURASIM_SEED"].into_iter().find(|name| !is_blank(env::var_os(name)));
            if let (ErrorKind::ArgumentConflict, Some(name)) = (error.kind(), set) {
                eprintln!("note: {name} is set, which is the same as the option");
            }
            error.exit()
        })
    }

    fn parse_from(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Arguments, clap::Error> {
        Arguments::from_arg_matches(&command().try_get_matches_from(arguments)?)
    }
}

/// A variable that is set to nothing counts as one that is not set.
fn command() -> Command {
    Arguments::command().mut_args(|argument| match argument.get_env() {
        Some(name) if is_blank(env::var_os(name)) => argument.env(None::<&str>),
        _ => argument,
    })
}

fn is_blank(value: Option<OsString>) -> bool {
    value.is_none_or(|value| value.to_string_lossy().trim().is_empty())
}

fn workflows() -> impl TypedValueParser<Value = &'static Stop> {
    PossibleValuesParser::new(STOPS.map(|stop| PossibleValue::new(stop.workflow).help(stop.about)))
        .try_map(|name| Stop::of(&name).ok_or("not a workflow of the tour"))
}

fn bugs() -> impl TypedValueParser<Value = &'static Bug> {
    PossibleValuesParser::new(BUGS.map(|bug| PossibleValue::new(bug.number).help(bug.about)))
        .try_map(|number| Bug::of(&number).ok_or("not a bug of the tour"))
}

fn dialects() -> impl TypedValueParser<Value = Dialect> {
    PossibleValuesParser::new(["temporal", "cadence"])
        .map(|name| if name == "cadence" { Dialect::Cadence } else { Dialect::Temporal })
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("write for example {SEEDS_FORM}");
    let seeds = match text.split_once("..") {
        Some((from, to)) => from.parse().map_err(|_| wrong())?..to.parse().map_err(|_| wrong())?,
        None => 0..text.parse().map_err(|_| wrong())?,
    };
    if seeds.is_empty() { Err(wrong()) } else { Ok(seeds) }
}

fn plan(text: &str) -> Result<Plan, String> {
    text.parse().map_err(|why| format!("{why}\nwrite for example {PLAN_FORM}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, clap::Error> {
        Arguments::parse_from(["tour"].iter().chain(arguments))
    }

    #[test]
    fn the_command_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn options_and_what_they_mean() {
        let asked = parse(&["--workflow=data_migration", "--dialect", "cadence", "--json", "--seeds", "5..7"]).unwrap();
        assert_eq!(asked.workflow.unwrap().workflow, "data_migration");
        assert_eq!(asked.dialect, Dialect::Cadence);
        assert!(asked.json && asked.seeds == (5..7));
        let default = parse(&[]).unwrap();
        assert_eq!((default.seeds, default.seed, default.plan), (0..1000, None, None));
        assert_eq!(parse(&["--seed", "7"]).unwrap().seed, Some(7));
        assert_eq!(parse(&["--plan", "a#1@1:await5=crash"]).unwrap().plan.unwrap().entries.len(), 1);
    }

    #[test]
    fn an_error_says_what_would_be_right() {
        let error = |arguments: &[&str]| parse(arguments).unwrap_err().to_string();
        assert!(error(&["--workflow", "file"]).contains("resilient_processing, file_processing"));
        assert!(error(&["--dialect", "zeebe"]).contains("temporal, cadence"));
        assert!(error(&["--seed", "one"]).contains("invalid digit"));
        for seeds in ["many", "0", "9..3", "1..x"] {
            assert!(error(&["--seeds", seeds]).contains(SEEDS_FORM), "{seeds}");
        }
        assert!(error(&["--plan", "nonsense"]).contains(PLAN_FORM));
        assert!(error(&["--seed"]).contains("a value is required"));
        assert!(error(&["--jsn"]).contains("'--json'"));
        for both in [["--seed=1", "--plan=v1"], ["--seeds=1", "--plan=v1"], ["--seed=1", "--seeds=5"]] {
            assert_eq!(parse(&both).unwrap_err().kind(), ErrorKind::ArgumentConflict, "{both:?}");
        }
    }

    #[test]
    fn the_help_fits_80_columns() {
        let help = command().render_long_help().to_string();
        assert!(help.lines().all(|line| line.len() <= 80), "{help}");
    }
}
