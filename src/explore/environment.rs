//! [`Environment`]: what the variables ask for.

use std::ffi::OsString;

use super::depth::Depth;
use super::notes::tell;
use super::report_file::ReportFolder;
use super::shard::{NotAShard, Shard};
use super::variables::{example, refuse_unknown};
use crate::fault::Plan;
use crate::world::RunError;

/// The settings of the environment.
#[derive(Clone, Debug)]
pub(super) struct Environment {
    pub(super) wanted: Wanted,
    pub(super) shard: Shard,
    pub(super) depth: Depth,
    /// New failures are to be kept.
    pub(super) writes: bool,
    /// The variable that decides which runs are made, as it is set. `None` if the exploration does by itself.
    pub(super) decided_by: Option<String>,
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
        refuse_unknown()?;
        let get = |name: &str| text(name, std::env::var_os(name));
        let (plan, seed) = (get("DURASIM_PLAN")?, get("DURASIM_SEED")?);
        let (shard, seeds) = (get("DURASIM_SHARD")?, get("DURASIM_SEEDS")?);
        let (pairs, time) = (get("DURASIM_PAIRS")?, get("DURASIM_TIME")?);
        let single = [("DURASIM_PLAN", &plan), ("DURASIM_SEED", &seed)].into_iter().find(|(_, value)| value.is_some());
        if let Some((single, _)) = single {
            let others = [
                ("DURASIM_SEED", &seed),
                ("DURASIM_SHARD", &shard),
                ("DURASIM_SEEDS", &seeds),
                ("DURASIM_PAIRS", &pairs),
                ("DURASIM_TIME", &time),
            ];
            for (other, _) in others.iter().filter(|(other, value)| *other != single && value.is_some()) {
                tell(&format!("{other} is ignored, since {single} is set"));
            }
        }
        let depth = Depth::parse(seeds.as_deref(), pairs.as_deref(), time.as_deref())?;
        let shard = match shard {
            Some(text) => text.parse().map_err(|error: NotAShard| RunError::Setup(error.to_string()))?,
            None => Shard::WHOLE,
        };
        let wanted = Wanted::parse(plan.as_deref(), seed.as_deref())?;
        let writes = writes(get("DURASIM_REGRESSIONS")?.as_deref())?;
        ReportFolder::prepare()?;
        let decided_by = match &wanted {
            Wanted::Plan(_) => Some("DURASIM_PLAN".to_owned()),
            Wanted::Seed(seed) => Some(format!("DURASIM_SEED={seed}")),
            Wanted::Everything => (!shard.is_whole()).then(|| format!("DURASIM_SHARD={shard}")),
        };
        Ok(Environment { wanted, shard, depth, writes, decided_by })
    }
}

impl Environment {
    /// Lists the variables that take the place of things that an exploration of this name asks for, each as a line: it may
    /// ask for seeds, and for pairs.
    pub(super) fn in_place(&self, exploration: &str, has_seeds: bool, has_pairs: bool) -> Vec<String> {
        let mut lines = Vec::new();
        let Environment { wanted, shard, depth, .. } = self;
        match wanted {
            Wanted::Plan(_) => {
                lines.push(format!("DURASIM_PLAN takes the place of {exploration}: only its run is made"))
            }
            Wanted::Seed(seed) => {
                lines.push(format!("DURASIM_SEED={seed} takes the place of {exploration}: only its run is made"));
            }
            Wanted::Everything => {
                if !shard.is_whole() {
                    lines.push(format!("DURASIM_SHARD={shard} makes only this share of the runs of {exploration}"));
                }
                if let Some(seeds) = depth.seeds.as_ref().filter(|_| has_seeds) {
                    let (start, end) = (seeds.start, seeds.end);
                    lines.push(format!("DURASIM_SEEDS={start}..{end} takes the place of the seeds of {exploration}"));
                }
                if let Some(pairs) = depth.pairs.filter(|_| has_pairs) {
                    lines.push(format!("DURASIM_PAIRS={pairs} is the budget for the pairs of {exploration}"));
                }
            }
        }
        lines
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
                    "DURASIM_SEED is `{seed}`, which is not a whole number: write for example {}",
                    example("DURASIM_SEED")
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
}
