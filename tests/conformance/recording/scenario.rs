//! [`Scenario`]: one recording, with the played steps and the server's behaviour.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::{raw, sdk};

#[derive(Clone, Deserialize)]
pub struct Scenario {
    pub name: String,
    pub group: String,
    #[serde(default)]
    pub title: String,
    /// Says whether its outcome is a race on the real server.
    #[serde(skip)]
    pub is_race: bool,
    /// Says whether it was recorded on a slow machine, where things come late by any time.
    #[serde(skip)]
    pub is_slow: bool,
    pub definition: Value,
    pub observed: Value,
}

/// The part that plays a scenario.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Engine {
    /// The service by itself, by calls that no SDK holds back.
    Raw,
    /// A simulation, with a worker between the code and the service.
    Sdk,
    /// Activities without a workflow.
    Standalone,
}

impl Scenario {
    pub fn engine(&self) -> Engine {
        match self.definition["engine"].as_str() {
            None | Some("raw") => Engine::Raw,
            Some("sdk") => Engine::Sdk,
            Some("standalone") => Engine::Standalone,
            Some(other) => panic!("{}: unknown engine {other}", self.name),
        }
    }

    /// Says whether its workflow is a script that the interpreter can play, whatever else it needs.
    pub fn has_known_script(&self) -> bool {
        let script = &self.definition["workflow"]["script"];
        self.engine() != Engine::Standalone && script.is_array() && unknown_step(script, &WORKFLOW_STEPS).is_none()
    }

    /// Puts in the id of the activity, and the time of its schedule, from which all times count. The driver has put something
    /// behind the id where it had to start another one.
    fn name_activity(&mut self) {
        let id = format!("g-{}", self.name);
        self.definition["standalone"]["activity_id"] = Value::from(id.clone());
        if let Some(scheduled) = self.observed.pointer_mut("/activities/a/scheduled") {
            scheduled["t_ms"] = Value::from(0.0);
        }
        if let Some(Value::String(message)) = self.observed.pointer_mut("/start_error/message") {
            *message = message.replace(&format!("{id}_n1"), &id);
        }
    }

    /// The first thing it uses that the simulator, or the interpreter, does not have.
    pub fn needs(&self) -> Option<String> {
        let definition = &self.definition;
        let workflow = &definition["workflow"];
        let by_hand = definition["raw_tasks"].as_array().into_iter().flatten();
        let commands = by_hand.filter_map(|task| task["commands"].as_array()).flatten();
        let mut types = commands.map(|command| command["commandType"].as_str().unwrap_or_default());
        if let Some(unknown) = types.find(|name| !raw::COMMANDS.contains(name)) {
            return Some(format!("the raw command `{unknown}`"));
        }
        let external = definition["external"].as_array().into_iter().flatten();
        let acts = external.filter_map(|external| external["do"].as_str());
        let unknown = acts.map(str::to_owned).find(|act| !EXTERNAL.contains(&&**act));
        if let Some(act) = unknown {
            return Some(format!("`{act}` from outside"));
        }
        let external = definition["external"].as_array().into_iter().flatten();
        let mut by_id = external.filter(|external| external["do"] == "by_id").map(|external| &external["op"]);
        if self.engine() == Engine::Sdk && by_id.any(|operation| operation != "complete") {
            return Some("calls by id other than completions in a simulation".to_owned());
        }
        let scripts = definition["activities"].as_object().into_iter().flat_map(|scripts| scripts.values());
        let attempts = scripts.filter_map(Value::as_array).flatten();
        let known = match self.engine() {
            Engine::Sdk => &sdk::STEPS[..],
            Engine::Raw | Engine::Standalone => &raw::STEPS[..],
        };
        if let Some(step) = attempts.into_iter().find_map(|steps| unknown_activity_step(steps, known)) {
            return Some(format!("the activity step {step}"));
        }
        if let Some(step) = unknown_step(&workflow["script"], &WORKFLOW_STEPS) {
            return Some(format!("the workflow step `{step}`"));
        }
        None
    }
}

const EXTERNAL: [&str; 17] = [
    "cancel_workflow",
    "signal",
    "update",
    "terminate",
    "describe",
    "poll_start",
    "poll_stop",
    "by_id",
    "pause",
    "unpause",
    "reset",
    "update_options",
    "cancel_activity",
    "terminate_activity",
    "start_again",
    "sdk_stop",
    "sdk_start",
];

const WORKFLOW_STEPS: [&str; 18] = [
    "flip",
    "child",
    "continue_as_new",
    "activity",
    "local_activity",
    "timer",
    "sleep",
    "await",
    "await_all",
    "race",
    "cancel",
    "wait_signals",
    "try",
    "return",
    "raise",
    "panic",
    "block_thread",
    "attempt",
];

/// The first step of a script, or of a script in it, that is not among the known ones.
fn unknown_step(script: &Value, known: &[&str]) -> Option<String> {
    script.as_array().into_iter().flatten().find_map(|step| {
        let (name, body) = step.as_object()?.iter().next()?;
        if !known.contains(&&**name) {
            return Some(name.clone());
        }
        ["body", "handler", "then", "script", "first", "later"]
            .into_iter()
            .find_map(|inner| unknown_step(&body[inner], known))
    })
}

/// The first step of an activity script, or of its steps on a cancellation, that has none of the known names.
fn unknown_activity_step(script: &Value, known: &[&str]) -> Option<String> {
    script.as_array().into_iter().flatten().find_map(|step| {
        if !known.iter().any(|name| step.get(name).is_some()) {
            return Some(step.to_string());
        }
        [&step["on_cancel"], &step["heartbeat_loop"]["on_cancel"]]
            .into_iter()
            .find_map(|inner| unknown_activity_step(inner, known))
    })
}

/// Loads the scenarios of a folder and the folders in it, by name, or the one of a file. Other files are passed over.
pub fn load(path: &Path) -> Vec<Scenario> {
    let mut scenarios = Vec::new();
    collect(path, &mut scenarios);
    scenarios.sort_by(|a, b| a.name.cmp(&b.name));
    scenarios
}

fn collect(path: &Path, scenarios: &mut Vec<Scenario>) {
    if path.is_dir() {
        let entries = std::fs::read_dir(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        entries.for_each(|entry| collect(&entry.expect("a folder's entry").path(), scenarios));
    } else if path.extension().is_some_and(|extension| extension == "json") {
        let text = std::fs::read(path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        let json: Value = serde_json::from_slice(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        if json["definition"].is_object() {
            let is_slow = !json["server"]["slow"].is_null();
            let scenario: Result<Scenario, _> = serde_json::from_value(json);
            let scenario = scenario.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
            let mut scenario = Scenario { is_slow, ..scenario };
            if scenario.engine() == Engine::Standalone {
                scenario.name_activity();
            }
            scenarios.push(scenario);
        }
    }
}

/// Scenarios whose outcome is a race on the real server, by name, from an index.
pub fn unstable(index: &Path) -> Vec<String> {
    let Ok(text) = std::fs::read(index) else { return Vec::new() };
    let entries: Vec<Value> = serde_json::from_slice(&text).expect("an index is a list");
    let unstable = entries.iter().filter(|entry| entry["stable"] == false);
    unstable.filter_map(|entry| entry["name"].as_str()).map(str::to_owned).collect()
}
