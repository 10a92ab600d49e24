//! The explorations of the examples: each does what the `starter.rs` beside it does, in virtual time.

use std::time::{Duration, UNIX_EPOCH};

use durasim::{ClientError, Exploration, Run, Simulation, Time, check};
use durasim_temporal::{SimulationExt, connect, sdk_activities};
use temporalio_client::{WorkflowGetResultOptions, WorkflowStartOptions};
use temporalio_common::search_attributes::SearchAttributes;

use crate::examples::{
    activity_heartbeating, cancellation, child_workflows, continue_as_new, hello_world, local_activities,
    message_passing, polling, saga, search_attributes, timer_examples, updatable_timer, workflow_context,
};

/// The examples by name, in the order of the table.
pub fn all() -> Vec<(&'static str, Exploration)> {
    vec![
        ("hello_world", hello_world()),
        ("activity_heartbeating", activity_heartbeating()),
        ("cancellation", cancellation()),
        ("saga", saga()),
        ("saga_that_fails", saga_that_fails()),
        ("polling", polling()),
        ("timer_examples", timer_examples()),
        ("updatable_timer", updatable_timer()),
        ("message_passing", message_passing()),
        ("child_workflows", child_workflows()),
        ("continue_as_new", continue_as_new()),
        ("local_activities", local_activities()),
        ("search_attributes", search_attributes()),
        ("workflow_context", workflow_context::exploration::exploration()),
    ]
}

/// A simulation of which equal code is deployed, and rolled back.
pub(crate) fn simulation() -> Simulation {
    Simulation::temporal().deploy(|simulation| simulation).rollback()
}

fn hello_world() -> Exploration {
    let simulation = simulation()
        .sdk_activity(hello_world::GreetingActivities::greet, || hello_world::GreetingActivities)
        .sdk_workflow::<hello_world::HelloWorldWorkflow>();
    simulation.explore("HelloWorldWorkflow", &"Temporal")
}

/// The steps of the heartbeating example.
pub const STEPS: u32 = 20;

/// The heartbeating example, whose workflow is `HeartbeatingWorkflow`.
pub fn heartbeating() -> Simulation {
    use activity_heartbeating::{HeartbeatingActivities, HeartbeatingWorkflow};
    simulation()
        .sdk_activity(HeartbeatingActivities::long_running_activity, || HeartbeatingActivities)
        .sdk_workflow::<HeartbeatingWorkflow>()
}

fn activity_heartbeating() -> Exploration {
    let progress = check::progress("HeartbeatingActivities::long_running_activity", |step: &u32| *step);
    heartbeating().explore("HeartbeatingWorkflow", &STEPS).check(progress).check(check::heartbeats_in_time())
}

/// It is cancelled after 1.3 s.
fn cancellation() -> Exploration {
    use cancellation::{CancellationActivities, CancellationWorkflow};
    let simulation = sdk_activities!(
        simulation(),
        || CancellationActivities,
        [CancellationActivities::long_running_activity, CancellationActivities::cleanup]
    )
    .sdk_workflow::<CancellationWorkflow>();
    let exploration = simulation.explore_script(async |client| {
        let handle = client.start::<String>("CancellationWorkflow", "cancellation", &()).await?;
        client.sleep(Duration::from_millis(1_300)).await;
        handle.cancel().await?;
        // The reason of a cancel that a fault brings is another, and part of the result.
        let result: Result<String, ClientError> = handle.result().await;
        result.map(|text| text.replace("reason=injected", "reason=asked by the client"))
    });
    exploration.check(check::heartbeats_in_time())
}

fn booking() -> Simulation {
    use saga::BookingActivities;
    sdk_activities!(
        simulation(),
        || BookingActivities,
        [
            BookingActivities::book_hotel,
            BookingActivities::book_flight,
            BookingActivities::book_car,
            BookingActivities::cancel_hotel,
            BookingActivities::cancel_flight,
            BookingActivities::cancel_car
        ]
    )
    .sdk_workflow::<saga::SagaWorkflow>()
}

fn saga() -> Exploration {
    booking().explore("SagaWorkflow", &"trip-1")
}

/// The car is not to be had, so that hotel and flight are given back.
fn saga_that_fails() -> Exploration {
    let exploration = booking().explore_script(async |client| {
        let handle = client.start::<Vec<String>>("SagaWorkflow", "saga", &"trip-fail").await?;
        Ok::<_, ClientError>(handle.result().await.map_err(|error| error.to_string()))
    });
    exploration.reference_may_fail()
}

fn polling() -> Exploration {
    let simulation = simulation()
        .sdk_activity(polling::PollingActivities::check_condition, || polling::PollingActivities)
        .sdk_workflow::<polling::PollingWorkflow>();
    simulation.explore("PollingWorkflow", &5)
}

fn timer_examples() -> Exploration {
    let simulation = simulation()
        .sdk_activity(timer_examples::TimerActivities::slow_activity, || timer_examples::TimerActivities)
        .sdk_workflow::<timer_examples::TimerWorkflow>();
    simulation.explore("TimerWorkflow", &())
}

/// The deadline is moved from 5 s to 10 s after one second.
fn updatable_timer() -> Exploration {
    let simulation = simulation().sdk_workflow::<updatable_timer::UpdatableTimerWorkflow>();
    let exploration = simulation.explore_script(async |client| {
        let epoch = Time::ZERO.to_system_time().duration_since(UNIX_EPOCH).expect("it is later").as_millis() as u64;
        let handle = client.start::<String>("UpdatableTimerWorkflow", "timer", &(epoch + 5_000)).await?;
        client.sleep(Duration::from_secs(1)).await;
        let moved = match handle.signal("update_deadline", &(epoch + 10_000)).await {
            Ok(()) => true,
            // The workflow has closed, which a cancel makes it do.
            Err(ClientError::Refused(_)) => false,
            Err(other) => return Err(other),
        };
        let _asked: u64 = handle.query("get_deadline", &()).await?;
        Ok::<_, ClientError>((moved, handle.result().await?))
    });
    exploration.check(check::named("moves", |run: &Run| {
        let moved = run.result::<Result<(bool, String), String>>();
        let is_moved = matches!(&moved, Ok(Ok((true, _))));
        assert!(is_moved || !run.plan().is_empty(), "the deadline is not moved, though no fault struck: {moved:?}");
    }))
}

/// Two signals, and a query between them.
fn message_passing() -> Exploration {
    let simulation = simulation().sdk_workflow::<message_passing::MessagePassingWorkflow>();
    simulation.explore_script(async |client| {
        let handle = client.start::<i32>("MessagePassingWorkflow", "messages", &10).await?;
        handle.signal("increment", &3).await?;
        client.sleep(Duration::from_secs(1)).await;
        let counter: i32 = handle.query("get_counter", &()).await?;
        handle.signal("increment", &7).await?;
        Ok::<_, ClientError>((counter, handle.result().await?))
    })
}

/// Three people are greeted, by a child for each.
fn child_workflows() -> Exploration {
    let simulation = simulation()
        .sdk_workflow::<child_workflows::GreetingChildWorkflow>()
        .sdk_workflow::<child_workflows::ParentWorkflow>();
    simulation.explore("ParentWorkflow", &["Alice", "Bob", "Charlie"])
}

/// Five runs follow each other.
fn continue_as_new() -> Exploration {
    let simulation = simulation().sdk_workflow::<continue_as_new::ContinueAsNewWorkflow>();
    simulation.explore("ContinueAsNewWorkflow", &(1, 5))
}

/// The same greeting by an activity, and by a local one.
fn local_activities() -> Exploration {
    use local_activities::{GreetingActivities, LocalActivitiesWorkflow};
    let simulation = simulation()
        .sdk_activity(GreetingActivities::greet, || GreetingActivities)
        .sdk_workflow::<LocalActivitiesWorkflow>();
    simulation.explore("LocalActivitiesWorkflow", &"Temporal")
}

/// It is started with search attributes, reads one and sets both anew.
fn search_attributes() -> Exploration {
    use search_attributes::{INT_FIELD, KEYWORD_FIELD, SearchAttributesWorkflow};
    let simulation = simulation().sdk_workflow::<SearchAttributesWorkflow>();
    simulation.explore_script(async |client| {
        let attributes =
            SearchAttributes::new([KEYWORD_FIELD.value_set("initial-value".into()), INT_FIELD.value_set(0)]);
        let options = WorkflowStartOptions::new("search-attributes", "search-attributes-workflow-id")
            .search_attributes(attributes)
            .build();
        let client = connect(&client);
        let handle = client.start_workflow(SearchAttributesWorkflow::run, (), options).await;
        let handle = handle.map_err(|error| error.to_string())?;
        handle.get_result(WorkflowGetResultOptions::default()).await.map_err(|error| error.to_string())
    })
}
