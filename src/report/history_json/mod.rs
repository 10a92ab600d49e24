//! [`Run::history_json`]: the history of a run as Temporal's command line and web interface write and read it.

mod attributes;
mod values;

use serde_json::{Value, json};
use thiserror::Error;

use attributes::Attributes;
use values::{Form, id, timestamp};

use crate::service::{Dialect, WorkflowKey};
use crate::world::Run;

/// The reason why [`Run::history_json`] has no history.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[non_exhaustive]
pub enum HistoryError {
    /// The run has no workflow of this id.
    #[error("the run has no workflow of the id `{workflow_id}` (it has {known})")]
    Unknown {
        /// The id asked for.
        workflow_id: String,
        /// The ids of the run, in words.
        known: String,
    },
    /// The form is Temporal's.
    #[error("a history of the dialect `cadence` has no form in Temporal's JSON: use `Simulation::temporal()`")]
    Cadence,
}

impl Run {
    /// Writes the history of a workflow as Temporal's command line and web interface write and read it: JSON of Protocol Buffers,
    /// with names in camelCase, 64-bit numbers as text, payloads in base64, and run ids that are UUIDs of the seed. If
    /// several runs had the id, it is the newest one's.
    ///
    /// A payload of native code is said to be JSON where it is, and plain bytes else. Those of an SDK's code have the metadata that
    /// the SDK has given them.
    ///
    /// # Errors
    /// The error is [`HistoryError`]: there is no such workflow, or the dialect is Cadence's.
    ///
    /// ```
    /// use std::time::Duration;
    /// use durasim::{Simulation, WorkflowContext, WorkflowError};
    ///
    /// async fn nap(ctx: &WorkflowContext, (): ()) -> Result<(), WorkflowError> {
    ///     ctx.sleep(Duration::from_secs(60)).await
    /// }
    ///
    /// let run = Simulation::temporal().workflow("nap", nap).run("nap", &())?;
    /// let history = run.history_json("nap")?;
    /// assert!(history.contains("\"eventType\": \"EVENT_TYPE_TIMER_STARTED\""), "{history}");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub fn history_json(&self, workflow_id: &str) -> Result<String, HistoryError> {
        let names = self.trace().workflows();
        if self.trace().dialect() != Dialect::Temporal {
            return Err(HistoryError::Cadence);
        }
        let of_id = names.iter().filter(|(_, name)| *name.workflow_id == *workflow_id && !name.is_activity);
        let newest = of_id.max_by_key(|(_, name)| name.run).map(|(key, _)| key);
        let Some(key) = newest else {
            let first_runs = names.values().filter(|name| name.run == 1 && !name.is_activity);
            let ids: Vec<String> = first_runs.map(|name| format!("`{}`", name.workflow_id)).collect();
            let known = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
            return Err(HistoryError::Unknown { workflow_id: workflow_id.to_owned(), known });
        };
        let history = serde_json::to_string_pretty(&self.history_value(key));
        Ok(history.unwrap_or_else(|why| unreachable!("the keys of the JSON are text: {why}")))
    }

    fn history_value(&self, workflow: WorkflowKey) -> Value {
        let history = self.history_of(workflow);
        let form = Form { seed: self.seed(), has_envelopes: self.has_envelopes(workflow) };
        let mut attributes = Attributes::new(&history, form);
        let events: Vec<Value> = history
            .iter()
            .map(|event| {
                let (name, of_kind) = attributes.of(event);
                let mut value = json!({
                    "eventId": id(event.id),
                    "eventTime": timestamp(event.at),
                    "eventType": format!("EVENT_TYPE_{}", upper(name)),
                    "taskId": id(event.id),
                });
                value[format!("{name}EventAttributes")] = of_kind;
                value
            })
            .collect();
        json!({ "events": events })
    }
}

/// Turns `timerFired` into `TIMER_FIRED`.
fn upper(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(character.to_ascii_uppercase());
    }
    text
}
