//! A report as data: [`Report`] and [`Failed`] for serde. `docs/report.md` has the meaning of each field.
//!
//! It is written by hand as a value of serde_json: deriving would cost every user's build more than this file.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use super::accepted::Accepted;
use super::coverage::{Cell, Coverage};
use super::failed::Failed;
use super::regressions::{Regression, RegressionState};
use super::report::{Part, PartKind, Report};
use super::tally::Tally;
use crate::check::Violation;
use crate::fault::VERSION;
use crate::trace::TRACE_VERSION;

/// The version of the schema. A field that is added does not change it; one that goes, or means something else, does.
const SCHEMA: u32 = 1;

/// The most characters of a text; a longer one is cut.
const LONGEST_TEXT: usize = 10_000;

/// The most characters of a failure's whole message.
const LONGEST_MESSAGE: usize = 200_000;

/// The most characters of details that an attempt was given.
const LONGEST_DETAILS: usize = 200;

/// It is written as `docs/report.md` describes it, with a `version` of the schema.
///
/// ```
/// # use durasim::{Simulation, WorkflowContext, WorkflowError, check};
/// # async fn nap(ctx: &WorkflowContext, _: ()) -> Result<(), WorkflowError> {
/// #     ctx.sleep(std::time::Duration::from_secs(1)).await
/// # }
/// # let simulation = Simulation::temporal().workflow("nap", nap);
/// let report = simulation.explore("nap", &()).every_fault().check(check::same_result()).report();
/// let data = serde_json::to_value(&report).unwrap();
/// assert_eq!((&data["version"], &data["holds"]), (&1.into(), &true.into()));
/// assert_eq!(data["parts"][0]["name"], "without faults");
/// ```
impl Serialize for Report {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

/// It is written as an item of `failures` in `docs/report.md`.
impl Serialize for Failed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.to_value().serialize(serializer)
    }
}

impl Report {
    /// Makes a value of the report.
    pub(super) fn to_value(&self) -> Value {
        let error = self.error.as_ref().map(|error| {
            object(vec![("kind", error.kind().into()), ("message", cut(&error.to_string(), LONGEST_TEXT).into())])
        });
        let reference = self.excused.as_ref().map(|excused| {
            let how = |violation: &Violation| violation.found.as_ref().unwrap_or(&violation.message).clone();
            object(vec![
                ("fails", excused.is_some().into()),
                ("how", excused.as_ref().map(|violation| cut(&how(violation), LONGEST_TEXT)).into()),
            ])
        });
        object(vec![
            ("version", SCHEMA.into()),
            ("durasim", env!("CARGO_PKG_VERSION").into()),
            ("trace_version", TRACE_VERSION.into()),
            ("plan_version", VERSION.into()),
            ("exploration", (&*self.name).into()),
            ("workflow", (&*self.workflow).into()),
            ("holds", self.holds().into()),
            ("error", error.into()),
            ("skipped", self.skipped.into()),
            ("interrupted", self.interrupted.into()),
            ("out_of_time", self.out_of_time.into()),
            ("shard", self.shard.map(|shard| shard.to_string()).into()),
            ("reference_may_fail", reference.into()),
            ("failures", self.failures.iter().map(Failed::to_value).collect()),
            ("parts", self.parts.iter().map(Part::to_value).collect()),
            ("coverage", self.coverage.to_value()),
            ("regressions_file", self.file.clone().into()),
            ("regressions", self.regressions.iter().map(Regression::to_value).collect()),
            ("accepted", self.accepted.iter().map(Accepted::to_value).collect()),
            ("plans_written", self.written.into()),
            ("suggestions", self.suggestions.iter().map(|line| Value::from(cut(line, LONGEST_TEXT))).collect()),
            ("notes", self.notes.iter().map(|note| Value::from(cut(note, LONGEST_TEXT))).collect()),
            ("fingerprint", hexadecimal(self.fingerprint())),
        ])
    }
}

impl Failed {
    /// Makes a value of the failure.
    pub(super) fn to_value(&self) -> Value {
        let Violation { kind, message, expected, found, events } = &self.violation;
        let optional = |text: &Option<String>| Value::from(text.as_ref().map(|text| cut(text, LONGEST_TEXT)));
        object(vec![
            ("check", self.check.clone().into()),
            ("rule", kind.clone().into()),
            ("message", cut(message, LONGEST_TEXT).into()),
            ("expected", optional(expected)),
            ("found", optional(found)),
            ("events", events.iter().map(|event| Value::from(*event)).collect()),
            ("places", self.finding.places.iter().map(|place| Value::from(&**place)).collect()),
            ("plan", self.plan.to_string().into()),
            ("words", self.plan.words().to_string().into()),
            ("smallest", self.is_smallest.into()),
            ("repeats", self.finding.repeats.into()),
            ("found_by_run", self.found_by_run.into()),
            ("text", cut(&self.text, LONGEST_MESSAGE).into()),
            ("trace_file", Value::Null),
        ])
    }
}

impl Part {
    fn to_value(&self) -> Value {
        let Part { name, tally, sampled, long, seeds, impossible, observed: _, ended_early, elapsed, kind } = self;
        let kind = match kind {
            PartKind::Reference => "without faults",
            PartKind::Regressions => "regressions",
            PartKind::Faults => "faults",
            PartKind::Orders => "orders",
            PartKind::Races => "lost races",
            PartKind::Pairs => "pairs",
            PartKind::Seeds => "seeds",
            PartKind::Plan => "plan",
        };
        let pair = |names: [&'static str; 2], values: &Option<(u64, u64)>| -> Value {
            values.map(|(one, other)| object(vec![(names[0], one.into()), (names[1], other.into())])).into()
        };
        let ended_early = ended_early
            .as_ref()
            .map(|ended| object(vec![("check", ended.check.clone().into()), ("runs", ended.runs.into())]));
        object(vec![
            ("name", name.clone().into()),
            ("kind", kind.into()),
            ("seeds", pair(["first", "last"], seeds)),
            ("sampled", pair(["tried", "there"], sampled)),
            ("impossible", (*impossible).into()),
            ("long_runs", (*long).into()),
            ("ended_early", ended_early.into()),
            ("elapsed_seconds", seconds(*elapsed)),
            ("runs", tally.runs()),
            ("attempts", tally.attempts.into()),
            ("heartbeats", tally.heartbeats()),
            ("resumes", tally.resumes.into()),
            ("redone", tally.redone.into()),
            ("resumed_from", tally.resumed_from()),
            ("virtual_seconds", seconds(tally.virtual_time)),
            ("checks", tally.checks()),
            ("fingerprint", hexadecimal(tally.fingerprint)),
        ])
    }
}

impl Tally {
    /// Counts the runs by their ends.
    fn runs(&self) -> Value {
        object(vec![
            ("all", self.runs.into()),
            ("hold", self.hold().into()),
            ("struck", self.struck.into()),
            ("survive", self.survive.into()),
            ("over_budget", self.over_budget.into()),
            ("cancelled", self.cancelled.into()),
            ("differ", self.differ.into()),
            ("other_branch", self.other_branch.into()),
            ("quiet", self.quiet.into()),
            ("without_effect", self.without_effect.into()),
            ("unprotected", self.unprotected.into()),
            ("accepted", self.accepted.into()),
            ("failed", self.failed.into()),
        ])
    }

    fn heartbeats(&self) -> Value {
        object(vec![
            ("recorded", self.heartbeats_recorded.into()),
            ("sent", self.heartbeats_sent.into()),
            ("visible", self.heartbeats_visible.into()),
        ])
    }

    fn resumed_from(&self) -> Value {
        let details = |(details, attempts): (&Vec<u8>, &u64)| {
            object(vec![
                ("details", cut_bytes(details).into()),
                ("bytes", details.len().into()),
                ("attempts", (*attempts).into()),
            ])
        };
        self.resumed_from.iter().map(details).collect()
    }

    /// Counts for each check, by its name.
    fn checks(&self) -> Value {
        let names: BTreeSet<&String> = self.judged.keys().chain(self.violations.keys()).collect();
        let of = |name: &&String| {
            let count = |counts: &BTreeMap<String, u64>| Value::from(counts.get(*name).copied().unwrap_or(0));
            let counts = object(vec![("judged", count(&self.judged)), ("violations", count(&self.violations))]);
            ((*name).clone(), counts)
        };
        Value::Object(names.iter().map(of).collect())
    }
}

impl Coverage {
    fn to_value(&self) -> Value {
        let cell = |cell: Cell<'_>| {
            let Cell { name, site, fault, attempt, struck } = cell;
            object(vec![
                ("name", name.into()),
                ("site", site.into()),
                ("fault", fault.into()),
                ("attempt", attempt.into()),
                ("struck", struck.into()),
            ])
        };
        object(vec![
            ("filled", self.filled().into()),
            ("there", self.there().into()),
            ("cells", self.cells().map(cell).collect()),
        ])
    }
}

impl Regression {
    fn to_value(&self) -> Value {
        let (state, why) = match &self.state {
            RegressionState::StillFails => ("still fails", None),
            RegressionState::Fixed => ("fixed", None),
            RegressionState::NoLongerApplies(why) => ("no longer applies", Some(cut(why, LONGEST_TEXT))),
        };
        object(vec![
            ("line", self.line.into()),
            ("plan", self.plan.to_string().into()),
            ("state", state.into()),
            ("why", why.into()),
        ])
    }
}

impl Accepted {
    fn to_value(&self) -> Value {
        object(vec![
            ("line", self.line.into()),
            ("check", self.check.clone().into()),
            ("rule", self.kind.clone().into()),
            ("reason", self.reason.clone().into()),
            ("plan", self.plan.to_string().into()),
            ("runs", self.runs.into()),
        ])
    }
}

fn object(fields: Vec<(&'static str, Value)>) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

fn seconds(length: Duration) -> Value {
    length.as_secs_f64().into()
}

/// Makes a text of a number: readers of JSON may take a number for one with 53 bits.
fn hexadecimal(number: u64) -> Value {
    format!("{number:016x}").into()
}

/// Cuts a text to this number of characters, with its length behind it.
fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}.. ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

/// Makes a text of details: bytes that are not UTF-8 are escaped.
fn cut_bytes(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => cut(text, LONGEST_DETAILS),
        Err(_) => cut(&bytes.escape_ascii().to_string(), LONGEST_DETAILS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_with_their_length() {
        assert_eq!(cut("größer", 6), "größer");
        assert_eq!(cut("größer als", 6), "größer.. (10 characters)");
        assert_eq!(cut_bytes(b"\xff\x00a"), "\\xff\\x00a");
        assert!(cut_bytes(&[b'x'; 1 << 20]).ends_with("xx.. (1048576 characters)"));
    }
}
