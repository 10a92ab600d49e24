//! The variables an exploration obeys, in one table.

use std::ffi::OsString;
use std::io::Write;
use std::sync::Mutex;

use super::shard::{NotAShard, Shard};
use crate::fault::Plan;
use crate::world::RunError;

/// A variable: its name, the form of its value, and what it does.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Variable {
    /// `DURASIM_..`.
    pub name: &'static str,
    /// The form of its value.
    pub form: &'static str,
    /// Its effect.
    pub help: &'static str,
}

/// Every variable there is.
pub const VARIABLES: [Variable; 4] = [
    Variable {
        name: "DURASIM_PLAN",
        form: "v1 seed=0 order=fifo for=my_test; my_activity#1@1:await5=crash",
        help: "runs one plan instead of the exploration, and shows the whole timeline if it fails; one that is for another exploration is skipped with a line on stderr",
    },
    Variable {
        name: "DURASIM_SEED",
        form: "42",
        help: "runs the random faults of one seed instead of the exploration",
    },
    Variable {
        name: "DURASIM_SHARD",
        form: "1/4",
        help: "makes only this share of the runs: every fourth, from the first; the shards of other machines make the others",
    },
    Variable {
        name: "DURASIM_REGRESSIONS",
        form: "write",
        help: "appends the shrunk plans of new failures to the exploration's file of `.regressions(..)`, to be reviewed and committed",
    },
];

/// The settings of the environment.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) wanted: Wanted,
    pub(super) shard: Shard,
    /// New failures are to be kept.
    pub(super) writes: bool,
}

/// The runs that the environment asks for.
#[derive(Clone, Debug, Default)]
pub(super) enum Wanted {
    /// Nothing: explore.
    #[default]
    Everything,
    Plan(Plan),
    Seed(u64),
}

impl Environment {
    /// Reads the environment.
    pub(super) fn read() -> Result<Environment, RunError> {
        for (name, _) in std::env::vars_os() {
            let Some(name) = name.to_str().filter(|name| name.starts_with("DURASIM_")) else { continue };
            if !VARIABLES.iter().any(|variable| variable.name == name) {
                let known = VARIABLES.map(|variable| variable.name);
                tell(&format!("the variable {name} means nothing; there are {}", known.join(", ")));
            }
        }
        let get = |name: &str| text(name, std::env::var_os(name));
        let (plan, seed) = (get("DURASIM_PLAN")?, get("DURASIM_SEED")?);
        if plan.is_some() && seed.is_some() {
            tell("DURASIM_SEED is ignored, since DURASIM_PLAN is set");
        }
        let shard = match get("DURASIM_SHARD")? {
            Some(text) => text.parse().map_err(|error: NotAShard| RunError::Setup(error.to_string()))?,
            None => Shard::WHOLE,
        };
        let wanted = Wanted::parse(plan.as_deref(), seed.as_deref())?;
        let writes = writes(get("DURASIM_REGRESSIONS")?.as_deref())?;
        Ok(Environment { wanted, shard, writes })
    }
}

/// The value of a variable, if it has one: empty counts as not set.
fn text(name: &str, value: Option<OsString>) -> Result<Option<String>, RunError> {
    match value.map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value).filter(|value| !value.trim().is_empty())),
        Some(Err(value)) => Err(RunError::Setup(format!(
            "{name} is not UTF-8, and cannot be read: {}",
            value.as_encoded_bytes().escape_ascii()
        ))),
    }
}

/// Tells whoever runs the tests what the environment leads to, once in a process. Not by `eprintln!`: libtest takes that and
/// shows it for tests that fail only.
pub(super) fn tell(what: &str) {
    static TOLD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let Ok(mut told) = TOLD.lock() else { return };
    if !told.iter().any(|other| other == what) {
        told.push(what.to_owned());
        // Whoever has closed stderr does not want to know.
        let _ = std::io::stderr().write_all(format!("durasim: {what}\n").as_bytes());
    }
}

fn writes(value: Option<&str>) -> Result<bool, RunError> {
    match value.map(str::trim) {
        None => Ok(false),
        Some("write") => Ok(true),
        Some(other) => Err(RunError::Setup(format!(
            "DURASIM_REGRESSIONS is `{other}`, which means nothing: write DURASIM_REGRESSIONS=write to keep the plans of new \
             failures"
        ))),
    }
}

impl Wanted {
    fn parse(plan: Option<&str>, seed: Option<&str>) -> Result<Wanted, RunError> {
        match (plan, seed) {
            (Some(plan), _) => Ok(Wanted::Plan(plan.parse()?)),
            (None, Some(seed)) => match seed.trim().parse() {
                Ok(seed) => Ok(Wanted::Seed(seed)),
                Err(_) => Err(RunError::Setup(format!(
                    "DURASIM_SEED is `{seed}`, which is not a whole number: write for example DURASIM_SEED=42"
                ))),
            },
            (None, None) => Ok(Wanted::Everything),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_goes_before_a_seed_and_a_wrong_value_shows_the_right_form() {
        assert!(matches!(Wanted::parse(Some("a#1@1:await1=crash"), Some("3")), Ok(Wanted::Plan(_))));
        assert!(matches!(Wanted::parse(None, Some(" 3 ")), Ok(Wanted::Seed(3))));
        assert!(matches!(Wanted::parse(None, None), Ok(Wanted::Everything)));
        let error = Wanted::parse(None, Some("three")).unwrap_err().to_string();
        assert!(error.contains("`three`") && error.contains("DURASIM_SEED=42"), "{error}");
        assert!(matches!(Wanted::parse(Some("nonsense"), None), Err(RunError::Plan(_))));
    }

    #[test]
    fn the_form_shown_for_a_plan_is_a_plan() {
        assert!(VARIABLES[0].form.parse::<Plan>().is_ok());
    }
}
