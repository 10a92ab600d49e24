//! The histories of the SDK's own examples: the SDK's replayer takes each of them, and so does a simulation. With another end, both
//! refuse it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use durasim::fault::Plan;
use durasim::{ReplayError, Run, Simulation, check};
use durasim_temporal::SimulationExt;
use sdk_examples::examples::{
    activity_heartbeating, cancellation, child_workflows, continue_as_new, hello_world, local_activities,
    message_passing, polling, saga, search_attributes, timer_examples, updatable_timer, workflow_context::exploration,
};
use sdk_examples::explorations::all;
use serde_json::{Value, json};
use temporalio_sdk::workflow_replayer::WorkflowReplayerOptions;

use crate::histories::replay;

/// Registers the workflows of the examples.
macro_rules! workflows {
    ($($workflow:path),* $(,)?) => {
        fn options() -> WorkflowReplayerOptions {
            WorkflowReplayerOptions::new()$(.register_workflow::<$workflow>().unwrap())*.build()
        }

        fn simulation() -> Simulation {
            exploration::registered(Simulation::temporal()$(.sdk_workflow::<$workflow>())*)
        }
    };
}

workflows![
    hello_world::HelloWorldWorkflow,
    activity_heartbeating::HeartbeatingWorkflow,
    cancellation::CancellationWorkflow,
    saga::SagaWorkflow,
    polling::PollingWorkflow,
    timer_examples::TimerWorkflow,
    updatable_timer::UpdatableTimerWorkflow,
    message_passing::MessagePassingWorkflow,
    child_workflows::GreetingChildWorkflow,
    child_workflows::ParentWorkflow,
    continue_as_new::ContinueAsNewWorkflow,
    local_activities::LocalActivitiesWorkflow,
    search_attributes::SearchAttributesWorkflow,
];

/// A timer that is started and cancelled in one task: the SDK's worker sends neither command, durasim writes both, and the SDK's
/// replayer refuses that.
const DIFFERS: &str = "timer_examples: ";

/// The histories of the runs without faults, by example and workflow.
fn histories() -> BTreeMap<String, String> {
    let histories = Arc::new(Mutex::new(BTreeMap::new()));
    for (example, exploration) in all() {
        let kept = Arc::clone(&histories);
        let keep = check::named("kept", move |run: &Run| {
            for workflow in run.trace().workflows().values().filter(|_| run.plan().is_empty()) {
                let id = &workflow.workflow_id;
                let history = run.history_json(id).expect("a history of Temporal's");
                kept.lock().expect("no check panics").insert(format!("{example}: {id}"), history);
            }
        });
        let _ = exploration.without_repeats().check(keep).replay(&Plan::none());
        let has_history = |name: &String| name.starts_with(&format!("{example}: "));
        assert!(histories.lock().unwrap().keys().any(has_history), "{example} has left no history");
    }
    let histories = histories.lock().unwrap();
    histories.clone()
}

/// The same history with another end.
fn with_another_end(history: &str) -> String {
    let mut history: Value = serde_json::from_str(history).unwrap();
    let last = history["events"].as_array_mut().unwrap().last_mut().unwrap();
    let is_completed = last["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED";
    let (event_type, name, attributes) = if is_completed {
        ("FAILED", "workflowExecutionFailedEventAttributes", json!({ "failure": { "message": "no" } }))
    } else {
        ("COMPLETED", "workflowExecutionCompletedEventAttributes", json!({}))
    };
    let fields = last.as_object_mut().unwrap();
    fields.retain(|name, _| !name.ends_with("Attributes"));
    fields.insert("eventType".to_owned(), json!(format!("EVENT_TYPE_WORKFLOW_EXECUTION_{event_type}")));
    fields.insert(name.to_owned(), attributes);
    history.to_string()
}

#[test]
fn the_history_of_each_example_passes_in_both_and_with_another_end_in_neither() {
    let histories = histories();
    assert!(histories.len() > all().len(), "{} histories", histories.len());
    for (name, history) in &histories {
        let options = || if name.starts_with("workflow_context: ") { exploration::replayer() } else { options() };
        if name.starts_with(DIFFERS) {
            replay(options(), history).expect_err("take it from the exception");
            continue;
        }
        replay(options(), history).unwrap_or_else(|why| panic!("{name}: the SDK refuses it: {why}\n{history}"));
        let replayed = simulation().replay_history(history).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(replayed.tasks > 0);
        let changed = with_another_end(history);
        replay(options(), &changed).expect_err(name);
        let refused = simulation().replay_history(&changed).expect_err(name);
        assert!(matches!(refused, ReplayError::Differs { .. }), "{name}: {refused}");
    }
}
