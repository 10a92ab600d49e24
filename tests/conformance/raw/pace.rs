//! [`Pace`]: when the surroundings of the service act.

use durasim::Time;
use serde_json::Value;

/// The service's surroundings are the driver of the scenario, its workers and the network. Nominally each hand-over takes
/// the dispatch latency and each call no time. A recording had its own, which decides where the scenario is a race; then
/// it is played as it was recorded: what the service does must still come out.
#[derive(Clone, Copy)]
pub enum Pace<'a> {
    Nominal,
    Recorded(&'a Value),
}

impl Pace<'_> {
    fn at(&self, find: impl Fn(&Value) -> Option<f64>) -> Option<Time> {
        match self {
            Pace::Nominal => None,
            Pace::Recorded(observed) => find(observed).map(|millis| Time::from_nanos((millis * 1e6) as u64)),
        }
    }

    /// When the workflow task of this number, from 0, was started, or completed or failed.
    pub fn workflow_task(&self, number: usize, started: bool) -> Option<Time> {
        self.at(|observed| {
            let events = observed["history"]["run-1"].as_array()?;
            let is_start = |event: &&Value| event["type"] == "WORKFLOW_TASK_STARTED";
            let start = events.iter().filter(is_start).nth(number)?;
            if started {
                return start["t_ms"].as_f64();
            }
            let ends = |event: &&Value| event["attrs"]["started_event_id"] == start["id"] && is_task_end(event);
            events.iter().find(ends)?["t_ms"].as_f64()
        })
    }

    /// When an attempt, from 0, was handed out.
    pub fn attempt(&self, activity: &str, attempt: usize) -> Option<Time> {
        self.at(|observed| observed["activities"][activity]["attempts"][attempt]["started_at_ms"].as_f64())
    }

    /// When a call arrived, as near as can be told: in the middle between its sending and its answer.
    pub fn call(&self, activity: &str, attempt: usize, call: usize) -> Option<Time> {
        self.at(|observed| arrival(&observed["activities"][activity]["attempts"][attempt]["calls"][call]))
    }

    /// When a call from outside arrived.
    pub fn client_call(&self, call: usize) -> Option<Time> {
        self.at(|observed| arrival(&observed["client_calls"][call]))
    }
}

fn is_task_end(event: &Value) -> bool {
    ["COMPLETED", "FAILED", "TIMED_OUT"].iter().any(|end| event["type"] == format!("WORKFLOW_TASK_{end}"))
}

fn arrival(call: &Value) -> Option<f64> {
    Some(call["at_ms"].as_f64()? + call["took_ms"].as_f64().unwrap_or(0.0) / 2.0)
}
