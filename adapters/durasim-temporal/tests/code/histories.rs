//! The history of a run as Temporal's tools read it: the SDK's own replayer takes it, and refuses code that goes another way.

use durasim::Simulation;
use durasim_temporal::SimulationExt;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};
use temporalio_client::WorkflowHistory;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::workflow_replayer::{WorkflowReplayError, WorkflowReplayer, WorkflowReplayerOptions};
use temporalio_sdk::{ActivityOptions, ChildWorkflowOptions, SyncWorkflowContext, WorkflowContext, WorkflowResult};

use crate::seconds;

struct Shop;

#[activities]
impl Shop {
    #[activity]
    async fn charge(_ctx: ActivityContext, amount: u32) -> Result<String, ActivityError> {
        tokio::time::sleep(seconds(1)).await;
        Ok(format!("charged {amount}"))
    }

    #[activity]
    async fn forget(_ctx: ActivityContext, _nothing: ()) -> Result<(), ActivityError> {
        Ok(())
    }
}

fn a_minute() -> ActivityOptions {
    ActivityOptions::start_to_close_timeout(seconds(60))
}

/// Waits, as a child.
#[workflow]
#[derive(Default)]
struct Note;

#[workflow_methods]
impl Note {
    #[run(name = "note")]
    async fn run(ctx: &mut WorkflowContext<Self>, text: String) -> WorkflowResult<String> {
        ctx.timer(seconds(1)).await;
        Ok(text)
    }
}

/// A workflow with activities, timers, a patch, a child and a signal.
#[workflow]
#[derive(Default)]
struct Order {
    more: u32,
}

#[workflow_methods]
impl Order {
    #[run(name = "order")]
    async fn run(ctx: &mut WorkflowContext<Self>, amount: u32) -> WorkflowResult<String> {
        let is_patched = ctx.patched("notes");
        let charged = ctx.execute_activity(Shop::charge, amount, a_minute()).await?;
        ctx.timer(seconds(5)).await;
        ctx.wait_condition(|order: &Self| order.more > 0).await?;
        let note = ctx.start_child_workflow(Note::run, charged, ChildWorkflowOptions::default()).await?;
        Ok(format!("{} {is_patched}", note.result().await?))
    }

    #[signal]
    fn more(&mut self, _ctx: &mut SyncWorkflowContext<Self>, more: u32) {
        self.more += more;
    }
}

/// The same name with the timer first, and a longer one.
#[workflow]
#[derive(Default)]
struct Changed;

#[workflow_methods]
impl Changed {
    #[run(name = "order")]
    async fn run(ctx: &mut WorkflowContext<Self>, amount: u32) -> WorkflowResult<String> {
        ctx.timer(seconds(6)).await;
        Ok(ctx.execute_activity(Shop::charge, amount, a_minute()).await?)
    }
}

fn history() -> String {
    let simulation =
        Simulation::temporal().sdk_activity(Shop::charge, || Shop).sdk_workflow::<Order>().sdk_workflow::<Note>();
    let (result, run) = simulation
        .drive(async |native| {
            let order = native.start::<String>("order", "order-1", &7u32).await.unwrap();
            native.sleep(seconds(20)).await;
            order.signal("more", &1u32).await.unwrap();
            order.result().await.unwrap()
        })
        .unwrap();
    assert_eq!(result, "charged 7 true");
    run.history_json("order-1").unwrap()
}

/// Reads the JSON strictly, by the description of the messages.
fn read(json: &str) -> WorkflowHistory {
    let descriptors = std::fs::read(env!("TEMPORAL_DESCRIPTORS")).unwrap();
    let pool = DescriptorPool::decode(descriptors.as_slice()).unwrap();
    let history = pool.get_message_by_name("temporal.api.history.v1.History").unwrap();
    let mut json = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(history, &mut json).unwrap();
    History::decode(message.encode_to_vec().as_slice()).unwrap().into()
}

/// Replays it in a runtime of its own, as a user's test does.
pub(crate) fn replay(options: WorkflowReplayerOptions, json: &str) -> Result<(), WorkflowReplayError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let replayer = WorkflowReplayer::new(options).unwrap();
    runtime.block_on(replayer.replay_workflow(read(json)))
}

#[test]
fn the_replayer_of_the_sdk_takes_it_and_so_does_a_simulation() {
    let options = WorkflowReplayerOptions::new().register_workflow::<Order>().unwrap().build();
    replay(options, &history()).unwrap();
    let replayed = Simulation::temporal().sdk_workflow::<Order>().replay_history(&history()).unwrap();
    assert_eq!((&*replayed.workflow_id, &*replayed.workflow_type), ("order-1", "order"));
}

/// A unit is JSON of its own to the SDK, and no value at all is another payload.
#[workflow]
#[derive(Default)]
struct Forgetful;

#[workflow_methods]
impl Forgetful {
    #[run(name = "forgetful")]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<()> {
        ctx.execute_activity(Shop::forget, (), a_minute()).await?;
        Ok(())
    }
}

/// The bytes by which durasim keeps the metadata of a payload are no part of a history, and the metadata are.
#[test]
fn payloads_have_the_metadata_that_the_sdk_gave_them() {
    let simulation = Simulation::temporal().sdk_activity(Shop::forget, || Shop).sdk_workflow::<Forgetful>();
    let json = simulation.run("forgetful", &()).unwrap().history_json("forgetful").unwrap();
    let history: serde_json::Value = serde_json::from_str(&json).unwrap();
    let of = |event_type: &str, field: &str| {
        let mut events = history["events"].as_array().unwrap().iter();
        let event = events.find(|event| event["eventType"] == format!("EVENT_TYPE_{event_type}")).unwrap();
        let (_, attributes) = event.as_object().unwrap().iter().find(|(name, _)| name.ends_with("Attributes")).unwrap();
        attributes[field]["payloads"].clone()
    };
    for (event_type, field) in [
        ("ACTIVITY_TASK_SCHEDULED", "input"),
        ("ACTIVITY_TASK_COMPLETED", "result"),
        ("WORKFLOW_EXECUTION_COMPLETED", "result"),
    ] {
        let payloads = of(event_type, field);
        for payload in payloads.as_array().unwrap() {
            let encoding = payload["metadata"]["encoding"].as_str().unwrap();
            assert!(["anNvbi9wbGFpbg==", "YmluYXJ5L251bGw="].contains(&encoding), "{event_type}: {payloads}");
            assert!(payload["data"].as_str().is_none_or(|data| data == "bnVsbA=="), "{event_type}: {payloads}");
        }
    }
    let options = WorkflowReplayerOptions::new().register_workflow::<Forgetful>().unwrap().build();
    replay(options, &json).unwrap();
    Simulation::temporal().sdk_workflow::<Forgetful>().replay_history(&json).unwrap();
}

#[test]
fn code_that_goes_another_way_is_refused_there_and_here() {
    let options = WorkflowReplayerOptions::new().register_workflow::<Changed>().unwrap().build();
    let refused = replay(options, &history()).unwrap_err();
    assert!(refused.to_string().to_lowercase().contains("nondeterminis"), "{refused}");
    let refused = Simulation::temporal().sdk_workflow::<Changed>().replay_history(&history()).unwrap_err().to_string();
    assert!(refused.contains("the patch `notes`"), "{refused}");
    let deployed =
        Simulation::temporal().sdk_activity(Shop::charge, || Shop).sdk_workflow::<Order>().sdk_workflow::<Note>();
    let deployed = deployed.deploy(|simulation| simulation.sdk_workflow::<Changed>());
    let plan = "order#1:task2=deploy".parse().unwrap();
    let error = deployed.plan(plan).run("order", &7u32).unwrap_err().to_string();
    assert!(error.contains("the workflow is not deterministic"), "{error}");
}
