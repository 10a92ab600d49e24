//! An exploration of several inputs: one for each, and one report of them all.

use std::sync::Arc;

use super::Exploration;
use super::inputs::Inputs;
use super::report::Report;
use crate::world::RunError;

impl Exploration {
    /// An exploration for each input; none if there is no further one.
    ///
    /// # Errors
    /// If an input cannot be encoded, or is for a script.
    pub(super) fn each_input(&self) -> Result<Vec<Exploration>, RunError> {
        let further = &self.inputs.further;
        if further.is_empty() {
            return Ok(Vec::new());
        }
        let first = self.name();
        let name = |number: usize| if number == 1 { first.clone() } else { format!("{first}[{number}]").into() };
        let names: Vec<Arc<str>> = (1..=further.len() + 1).map(name).collect();
        let mut explorations = Vec::new();
        for (index, name) in names.iter().enumerate() {
            let start = match index.checked_sub(1).map(|further| &self.inputs.further[further]) {
                None => self.start.clone(),
                Some(input) => {
                    let encoded =
                        |why: &String| RunError::Setup(format!("input {} cannot be encoded: {why}", index + 1));
                    self.start.with_input(input.as_ref().map_err(encoded)?.clone()).ok_or_else(|| {
                        RunError::Setup(
                            "`.inputs(..)` are for a workflow, and a script takes none: explore a script for each"
                                .to_owned(),
                        )
                    })?
                }
            };
            let inputs = Inputs { further: Vec::new(), names: names.clone() };
            explorations.push(Exploration { start, name: Some(name.clone()), inputs, ..self.clone() });
        }
        Ok(explorations)
    }
}

impl Report {
    /// The report of an exploration of several inputs. After an error nothing else is tried. `None` if there is no input.
    pub(super) fn of_inputs(reports: impl Iterator<Item = Report>) -> Option<Report> {
        let mut whole: Option<Report> = None;
        for (mut report, number) in reports.zip(1..) {
            let prefix = format!("input {number}: ");
            report.parts.iter_mut().for_each(|part| part.name.insert_str(0, &prefix));
            report.notes.iter_mut().for_each(|note| note.insert_str(0, &prefix));
            let ends = report.error.is_some() || report.interrupted;
            match &mut whole {
                None => whole = Some(report),
                Some(whole) => whole.add(report, &prefix),
            }
            if ends {
                break;
            }
        }
        whole
    }

    fn add(&mut self, other: Report, prefix: &str) {
        self.parts.extend(other.parts);
        self.failures.extend(other.failures);
        self.coverage.add(other.coverage);
        self.regressions.extend(other.regressions);
        self.accepted.extend(other.accepted);
        self.notes.extend(other.notes);
        self.sometimes = other.sometimes;
        // One that fails without faults needs the word that allows it.
        self.excused = self.excused.take().flatten().map(Some).or(other.excused);
        let new: Vec<String> = other.suggestions.into_iter().filter(|line| !self.suggestions.contains(line)).collect();
        self.suggestions.extend(new);
        self.interrupted |= other.interrupted;
        self.out_of_time |= other.out_of_time;
        self.skipped &= other.skipped;
        self.written = self.written.into_iter().chain(other.written).reduce(|one, other| one + other);
        self.error = other.error.map(|error| match error {
            RunError::Setup(why) => RunError::Setup(format!("{prefix}{why}")),
            error => error,
        });
    }
}
