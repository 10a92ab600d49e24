//! [`VARIABLES`]: the variables an exploration obeys, in one table.

use std::sync::OnceLock;

use crate::world::RunError;

/// A variable: its name, the form of its value, what holds without it, and what it does.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Variable {
    /// `DURASIM_..`.
    pub name: &'static str,
    /// The form of its value.
    pub form: &'static str,
    /// Its default, which holds without it, or where it is empty.
    pub default: &'static str,
    /// Its effect.
    pub help: &'static str,
}

/// Every variable there is. Another whose name begins with `DURASIM_` is an error of each run and each exploration.
pub const VARIABLES: [Variable; 8] = [
    Variable {
        name: "DURASIM_PLAN",
        form: "v1 seed=0 order=fifo for=my_test; my_activity#1@1:await5=crash",
        default: "all runs",
        help: "runs one plan instead of the exploration, and shows the whole timeline if it fails; one that is for another exploration is skipped with a line on stderr",
    },
    Variable {
        name: "DURASIM_SEED",
        form: "42",
        default: "all runs",
        help: "runs the random faults of one seed instead of the exploration",
    },
    Variable {
        name: "DURASIM_SEEDS",
        form: "0..1000000",
        default: "those of `.seeds(..)`",
        help: "runs these seeds where the exploration asks for seeds",
    },
    Variable {
        name: "DURASIM_PAIRS",
        form: "100000",
        default: "`.budget(..)`, or 20,000",
        help: "tries at most so many pairs where the exploration asks for them",
    },
    Variable {
        name: "DURASIM_TIME",
        form: "10m",
        default: "no limit",
        help: "ends each exploration after so many seconds (`s`), minutes (`m`) or hours (`h`) of real time, with what it has; what a run does does not depend on it",
    },
    Variable {
        name: "DURASIM_SHARD",
        form: "1/4",
        default: "all runs",
        help: "makes only this share of the runs: every fourth, from the first; the shards of other machines make the others",
    },
    Variable {
        name: "DURASIM_REGRESSIONS",
        form: "write",
        default: "nothing is written",
        help: "appends the shrunk plans of new failures to the exploration's file of `.regressions(..)`, to be reviewed and committed",
    },
    Variable {
        name: FOLDER,
        form: "target/durasim-report",
        default: "nothing is written",
        help: "writes a JSON file for each exploration into this folder, passing ones too, and the trace of each failing run beside it for Chrome and Perfetto; a relative path begins at the package root",
    },
];

/// The variable that names the folder for reports. Its value is a path, in whatever encoding.
pub(super) const FOLDER: &str = "DURASIM_REPORT";

/// The form of a variable's value, as it is set: `DURASIM_SEED=42`.
pub(super) fn example(name: &str) -> String {
    let form = VARIABLES.iter().find(|variable| variable.name == name).map_or("..", |variable| variable.form);
    format!("{name}={form}")
}

/// Refuses variables that were meant for this crate and mean nothing. The environment is looked at once in a process.
pub(crate) fn refuse_unknown() -> Result<(), RunError> {
    static UNKNOWN: OnceLock<Option<String>> = OnceLock::new();
    let unknown = UNKNOWN.get_or_init(|| {
        let mut names: Vec<String> =
            std::env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned()).filter(is_unknown).collect();
        names.sort();
        names.first().map(|name| complaint(name))
    });
    unknown.as_ref().map_or(Ok(()), |complaint| Err(RunError::Setup(complaint.clone())))
}

fn is_unknown(name: &String) -> bool {
    name.starts_with("DURASIM_") && !VARIABLES.iter().any(|variable| variable.name == name)
}

fn complaint(name: &str) -> String {
    let known = VARIABLES.map(|variable| variable.name);
    // Two letters in the wrong order are one mistake.
    let distances = known.map(|known| (strsim::damerau_levenshtein(name, known), known));
    match distances.into_iter().filter(|(distance, _)| *distance <= 3).min() {
        Some((_, near)) => {
            format!("the variable {name} is set and means nothing; is it {near}? Correct its name, or unset it")
        }
        None => format!("the variable {name} is set and means nothing: unset it; there are {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Plan;

    #[test]
    fn the_form_shown_for_a_plan_is_a_plan() {
        assert!(VARIABLES[0].form.parse::<Plan>().is_ok());
    }

    #[test]
    fn a_name_that_means_nothing_is_met_with_the_nearest_that_does() {
        for (wrong, near) in [
            ("DURASIM_PLNA", "is it DURASIM_PLAN?"),
            ("DURASIM_SEDS", "is it DURASIM_SEEDS?"),
            ("DURASIM_SHARDS", "is it DURASIM_SHARD?"),
            ("DURASIM_TIMEOUT", "is it DURASIM_TIME?"),
            ("DURASIM_EVERYTHING", "there are DURASIM_PLAN, DURASIM_SEED, "),
        ] {
            assert!(is_unknown(&wrong.to_owned()));
            let complaint = complaint(wrong);
            assert!(complaint.contains(wrong) && complaint.contains(near), "{complaint}");
        }
        assert!(!is_unknown(&"DURASIM_PLAN".to_owned()) && !is_unknown(&"MY_DURASIM_PLNA".to_owned()));
    }
}
