//! [`Arguments`]: what the command was asked for.

use std::ops::Range;

use durasim::Dialect;
use durasim::fault::Plan;

use crate::stops::{STOPS, Stop};

/// What `--help` says.
pub const HELP: &str = "\
The guided tour of durasim: long activities under every fault.

usage: cargo run -p activity_advanced -- [OPTION]..

Without options: all workflows, without faults, under every fault, and under 1,000 random plans each; then one run, told.

  --workflow NAME    only this one; see below
  --seeds N          so many random plans for each workflow, or A..B for those of these seeds
  --seed N           instead: one run, with the random faults of this seed
  --plan PLAN        instead: one run, with these faults, such as
                     'process_large_file#1@1:await17=crash'
  --dialect NAME     whose rules the service follows: temporal (the default) or cadence
  --json             numbers for programs instead of text
  --help             this

DURASIM_PLAN and DURASIM_SEED in the environment mean the same as --plan and --seed.
";

/// What the command was asked for.
#[derive(Debug)]
pub struct Arguments {
    /// Only this stop.
    pub stop: Option<&'static Stop>,
    /// Whose rules.
    pub dialect: Dialect,
    /// Numbers for programs.
    pub json: bool,
    /// What to do.
    pub request: Request,
}

/// What to do.
#[derive(Debug)]
pub enum Request {
    /// Say what can be done.
    Help,
    /// Try everything, with random plans of these seeds.
    Tour(Range<u64>),
    /// One run with the random faults of a seed.
    Seed(u64),
    /// One run with these faults.
    Plan(Plan),
}

/// The forms that are shown with an error.
const PLAN_FORM: &str = "process_large_file#1@1:await17=crash";
const SEEDS_FORM: &str = "--seeds 1000 or --seeds 500..600";

impl Arguments {
    /// Reads the command's arguments, and what `variable` says of `DURASIM_PLAN` and `DURASIM_SEED`.
    ///
    /// # Errors
    /// What is wrong, and what would be right.
    pub fn parse(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Arguments, String> {
        let mut parsed =
            Arguments { stop: None, dialect: Dialect::Temporal, json: false, request: Request::Tour(0..1000) };
        // Which of the options that exclude each other was given.
        let mut asked: Option<String> = None;
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let (option, mut value) = match argument.split_once('=') {
                Some((option, value)) => (option.to_owned(), Some(value.to_owned())),
                None => (argument, None),
            };
            let flag = value.is_none();
            let mut value = |form: &str| {
                value.take().or_else(|| arguments.next()).ok_or_else(|| format!("{option} needs a value: {form}"))
            };
            let mut request = None;
            match option.as_str() {
                "--help" | "-h" if flag => return Ok(Arguments { request: Request::Help, ..parsed }),
                "--json" if flag => parsed.json = true,
                "--workflow" => parsed.stop = Some(workflow(&value(STOPS[0].workflow)?)?),
                "--dialect" => parsed.dialect = dialect(&value("temporal or cadence")?)?,
                "--seeds" => request = Some(Request::Tour(seeds(&value(SEEDS_FORM)?)?)),
                "--seed" => request = Some(Request::Seed(seed("--seed", &value("--seed 42")?)?)),
                "--plan" => request = Some(Request::Plan(plan("--plan", &value(PLAN_FORM)?)?)),
                "--help" | "-h" | "--json" => return Err(format!("{option} takes no value")),
                _ => return Err(format!("there is no option `{option}`; --help lists those there are")),
            }
            if let Some(request) = request {
                if let Some(other) = asked.replace(option.clone()) {
                    return Err(format!("{other} and {option} ask for two different things: give one of them"));
                }
                parsed.request = request;
            }
        }
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let found = [("DURASIM_PLAN", variable("DURASIM_PLAN")), ("DURASIM_SEED", variable("DURASIM_SEED"))];
        for (name, value) in found {
            let (Some(value), None | Some("--seeds")) = (value, asked.as_deref()) else { continue };
            if asked.is_some() {
                return Err(format!("{name} and --seeds ask for two different things: unset {name}"));
            }
            asked = Some(name.to_owned());
            parsed.request = match name {
                "DURASIM_PLAN" => Request::Plan(plan(name, &value)?),
                _ => Request::Seed(seed(name, &value)?),
            };
        }
        Ok(parsed)
    }
}

fn workflow(name: &str) -> Result<&'static Stop, String> {
    Stop::of(name).ok_or_else(|| format!("there is no workflow `{name}`; there are {}", workflows()))
}

/// The names of all workflows, in words.
pub fn workflows() -> String {
    STOPS.map(|stop| stop.workflow).join(", ")
}

fn dialect(name: &str) -> Result<Dialect, String> {
    match name {
        "temporal" => Ok(Dialect::Temporal),
        "cadence" => Ok(Dialect::Cadence),
        _ => Err(format!("there is no dialect `{name}`; there are temporal and cadence")),
    }
}

fn seed(option: &str, text: &str) -> Result<u64, String> {
    text.trim().parse().map_err(|_| format!("{option} is `{text}`, which is not a whole number: write for example 42"))
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let wrong = || format!("--seeds is `{text}`: write for example {SEEDS_FORM}");
    let seeds = match text.split_once("..") {
        Some((from, to)) => from.parse().map_err(|_| wrong())?..to.parse().map_err(|_| wrong())?,
        None => 0..text.parse().map_err(|_| wrong())?,
    };
    if seeds.is_empty() { Err(wrong()) } else { Ok(seeds) }
}

fn plan(option: &str, text: &str) -> Result<Plan, String> {
    text.parse()
        .map_err(|why| format!("{option} is not a plan: {why}\nit is `{text}`, and should look like `{PLAN_FORM}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Arguments, String> {
        Arguments::parse(arguments.iter().map(ToString::to_string), |_| None)
    }

    #[test]
    fn options_and_what_they_mean() {
        let asked = parse(&["--workflow=data_migration", "--dialect", "cadence", "--json", "--seeds", "5..7"]).unwrap();
        assert_eq!(asked.stop.unwrap().workflow, "data_migration");
        assert_eq!(asked.dialect, Dialect::Cadence);
        assert!(asked.json && matches!(asked.request, Request::Tour(seeds) if seeds == (5..7)));
        assert!(matches!(parse(&[]).unwrap().request, Request::Tour(seeds) if seeds == (0..1000)));
        assert!(matches!(parse(&["--seed", "7"]).unwrap().request, Request::Seed(7)));
        assert!(matches!(parse(&["--json", "--help"]).unwrap().request, Request::Help));
        let asked = parse(&["--plan", "a#1@1:await5=crash"]).unwrap();
        assert!(matches!(asked.request, Request::Plan(plan) if plan.entries.len() == 1));
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let error = |arguments: &[&str]| parse(arguments).unwrap_err();
        assert!(error(&["--workflow", "file"]).contains("`file`; there are resilient_processing, file_processing"));
        assert!(error(&["--dialect", "zeebe"]).contains("temporal and cadence"));
        assert!(error(&["--seed", "-1"]).contains("`-1`, which is not a whole number"));
        for seeds in ["many", "0", "9..3", "1..x"] {
            assert!(error(&["--seeds", seeds]).contains("--seeds 500..600"), "{seeds}");
        }
        assert!(error(&["--plan", "nonsense"]).contains(PLAN_FORM));
        assert!(error(&["--seed"]).contains("--seed needs a value: --seed 42"));
        assert!(error(&["--json=yes"]).contains("takes no value"));
        assert!(error(&["--fast"]).contains("`--fast`"));
        assert!(error(&["--seed", "1", "--plan", "v1"]).contains("--seed and --plan"));
    }

    #[test]
    fn variables_say_the_same() {
        let with = |name: &'static str, value: &'static str, arguments: &[&str]| {
            Arguments::parse(arguments.iter().map(ToString::to_string), move |asked| {
                (asked == name).then(|| value.to_owned())
            })
        };
        assert!(matches!(with("DURASIM_SEED", "7", &[]).unwrap().request, Request::Seed(7)));
        assert!(matches!(with("DURASIM_PLAN", "v1", &[]).unwrap().request, Request::Plan(_)));
        assert!(matches!(with("DURASIM_PLAN", " ", &[]).unwrap().request, Request::Tour(_)));
        assert!(matches!(with("DURASIM_PLAN", "v1", &["--seed", "7"]).unwrap().request, Request::Seed(7)));
        let error = with("DURASIM_SEED", "seven", &[]).unwrap_err();
        assert!(error.contains("DURASIM_SEED is `seven`"), "{error}");
        assert!(with("DURASIM_PLAN", "v1", &["--seeds", "7"]).unwrap_err().contains("unset DURASIM_PLAN"));
    }
}
