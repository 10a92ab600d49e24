//! Errors of activities become the failures that the SDK's worker makes of them.

use std::time::Duration;

use durasim::{ActivityOptions, Run, Simulation, WorkflowContext, WorkflowError};
use durasim_temporal::{SimulationExt, sdk_activities};
use temporalio_common::data_converters::{
    DataConverter, DefaultFailureConverter, DefaultPayloadCodec, PayloadConverter,
};
use temporalio_macros::{activities, workflow, workflow_methods};
use temporalio_sdk::activities::{ActivityContext, ActivityError};
use temporalio_sdk::{ApplicationFailure, WorkflowResult};

use crate::{attempts, options, seconds};

#[derive(Debug, thiserror::Error)]
#[error("the card is declined")]
struct Declined;

struct Pay;

#[activities]
impl Pay {
    #[activity]
    async fn plain(_ctx: ActivityContext) -> Result<u32, ActivityError> {
        Err(Declined.into())
    }

    #[activity]
    async fn typed(_ctx: ActivityContext) -> Result<u32, ActivityError> {
        let failure = ApplicationFailure::builder(anyhow::Error::from(Declined))
            .type_name("Declined".to_owned())
            .details(vec![7, 8])
            .next_retry_delay(Duration::from_secs(30))
            .build();
        Err(ActivityError::application(failure))
    }

    #[activity]
    async fn never_again(_ctx: ActivityContext) -> Result<u32, ActivityError> {
        Err(ActivityError::application(ApplicationFailure::non_retryable("the card is stolen")))
    }

    #[activity]
    async fn panics(_ctx: ActivityContext) -> Result<u32, ActivityError> {
        tokio::time::sleep(Duration::from_secs(1)).await;
        panic!("no card")
    }

    #[activity]
    async fn panics_in_a_task(_ctx: ActivityContext) -> Result<u32, ActivityError> {
        let task = tokio::spawn(async { panic!("no card in the task") });
        Ok(task.await?)
    }

    #[activity]
    async fn takes_a_number(_ctx: ActivityContext, number: u32) -> Result<u32, ActivityError> {
        Ok(number)
    }

    #[activity]
    async fn later(_ctx: ActivityContext) -> Result<String, ActivityError> {
        Err(ActivityError::WillCompleteAsync)
    }

    #[activity]
    async fn bytes(_ctx: ActivityContext, bytes: Vec<u8>) -> Result<Vec<u8>, ActivityError> {
        Ok(bytes)
    }
}

/// Runs an activity that fails, and says how: the message, the type, the details, and why it was not retried.
async fn pays(ctx: &WorkflowContext, name: String) -> Result<[String; 4], WorkflowError> {
    let options = ActivityOptions { retry_policy: attempts(2), ..options() };
    let paid = ctx.execute_activity::<u32>(&name, &(), options).await;
    let error = paid.expect_err("it fails");
    let root = error.failure().expect("it is an activity's").root();
    Ok([
        root.message.to_string(),
        error.error_type().unwrap_or("none").to_owned(),
        String::from_utf8_lossy(error.details().unwrap_or_default()).into_owned(),
        error.retry_state().expect("it is an activity's").to_string(),
    ])
}

fn simulation() -> Simulation {
    let simulation = Simulation::temporal().workflow("pays", pays);
    sdk_activities!(
        simulation,
        || Pay,
        [
            Pay::plain,
            Pay::typed,
            Pay::never_again,
            Pay::panics,
            Pay::panics_in_a_task,
            Pay::takes_a_number,
            Pay::later,
            Pay::bytes
        ]
    )
}

fn paid(name: &str) -> Run {
    simulation().run("pays", &name).unwrap()
}

#[track_caller]
fn failed(run: &Run) -> [String; 4] {
    run.result().unwrap()
}

#[test]
fn an_error_of_the_users_is_an_untyped_failure_that_is_retried() {
    assert_eq!(failed(&paid("Pay::plain")), ["the card is declined", "", "", "MAXIMUM_ATTEMPTS_REACHED"]);
}

#[test]
fn a_failure_keeps_its_type_its_details_and_its_delay() {
    let run = paid("Pay::typed");
    assert_eq!(failed(&run), ["the card is declined", "Declined", "[7,8]", "MAXIMUM_ATTEMPTS_REACHED"]);
    assert!(run.virtual_time() >= durasim::Time::from_millis(30_000), "the delay is waited for\n{}", run.timeline());
}

#[test]
fn a_failure_that_is_not_to_be_retried_is_not() {
    assert_eq!(failed(&paid("Pay::never_again")), ["the card is stolen", "", "", "NON_RETRYABLE_FAILURE"]);
}

/// The engine catches it, with its place; the SDK's worker makes an untyped failure of it.
#[test]
fn a_panic_is_a_failure_that_is_retried() {
    let run = paid("Pay::panics");
    assert_eq!(failed(&run), ["no card", "Panic", "", "MAXIMUM_ATTEMPTS_REACHED"]);
    let timeline = crate::unfolded(&run.timeline().to_string());
    assert!(timeline.contains("no card at adapters/durasim-temporal/tests/code/errors.rs:"), "{timeline}");
}

#[test]
fn a_panic_in_a_spawned_task_reaches_whoever_awaits_it() {
    let [message, .., why] = failed(&paid("Pay::panics_in_a_task"));
    assert!(message.contains("panicked with message \"no card in the task\""), "{message}");
    assert_eq!(why, "MAXIMUM_ATTEMPTS_REACHED");
}

#[test]
fn an_input_of_another_type_fails_the_attempt() {
    let [message, .., why] = failed(&paid("Pay::takes_a_number"));
    assert!(message.contains("invalid type: null, expected u32"), "{message}");
    assert_eq!(why, "MAXIMUM_ATTEMPTS_REACHED");
}

#[test]
fn an_activity_that_is_completed_later_waits_for_whoever_does_it() {
    let waits = async |ctx: &WorkflowContext, (): ()| -> Result<String, WorkflowError> {
        let options = ActivityOptions { start_to_close_timeout: seconds(60), ..Default::default() };
        ctx.execute_activity("Pay::later", &(), options).await
    };
    let (result, run) = simulation()
        .workflow("waits", waits)
        .drive(async |client| {
            let handle = client.start::<String>("waits", "w", &()).await?;
            client.sleep(seconds(20)).await;
            handle.complete_activity("1", &"paid by hand").await?;
            handle.result().await
        })
        .unwrap();
    assert_eq!(result.unwrap(), "paid by hand");
    assert!(run.virtual_time() >= durasim::Time::from_millis(20_000));
}

/// It sends every byte to an activity, and gives what comes back.
#[workflow]
#[derive(Default)]
struct Sends;

#[workflow_methods]
impl Sends {
    #[run]
    async fn run(ctx: &mut temporalio_sdk::WorkflowContext<Self>) -> WorkflowResult<Vec<u32>> {
        let options = temporalio_sdk::ActivityOptions::start_to_close_timeout(seconds(10));
        let bytes: Vec<u8> = (0..=255).collect();
        let back = ctx.execute_activity(Pay::bytes, bytes, options).await?;
        Ok(back.into_iter().map(u32::from).collect())
    }
}

/// They are no JSON, so that they travel with their encoding.
#[test]
fn bytes_come_back_as_they_were() {
    let run = simulation().sdk_workflow::<Sends>().run("Sends", &()).unwrap();
    let back: Vec<u32> = run.result().unwrap();
    assert!(back.iter().copied().eq(0..=255), "{back:?}");
    let timeline = run.timeline().to_string();
    assert!(timeline.contains("binary/plain"), "{timeline}");
}

/// This converter moves the message into an attribute that a codec would encrypt; durasim moves it back.
#[test]
fn failures_are_converted_by_the_converter_of_the_simulation() {
    let converter =
        DataConverter::new(PayloadConverter::default(), DefaultFailureConverter::new(true), DefaultPayloadCodec);
    let run = simulation().data_converter(converter).run("pays", &"Pay::plain").unwrap();
    assert_eq!(failed(&run)[0], "the card is declined");
}
