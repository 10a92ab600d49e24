//! Each call of a client does what it says.

use std::error::Error;
use std::time::{Duration, UNIX_EPOCH};

use durasim::{Time, check};
use durasim_temporal::connect;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowQueryError};
use temporalio_client::tonic::Code;
use temporalio_client::{
    Client, ClientOptions, RpcOptions, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecutionStatus,
    WorkflowGetResultOptions, WorkflowQueryOptions, WorkflowSignalOptions, WorkflowTerminateOptions,
};

use super::{Parcel, driven, parcel, parcel_of, simulation, start};
use crate::seconds;

#[test]
fn each_of_the_seven_calls_does_what_it_says() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        assert_eq!((parcel.info().workflow_id.as_str(), parcel.run_id()), ("p", Some("p")));
        native.sleep(seconds(1)).await;
        parcel.signal(Parcel::add, "lamp".to_owned(), WorkflowSignalOptions::default()).await.unwrap();
        let items = parcel.query(Parcel::items, (), WorkflowQueryOptions::default()).await.unwrap();
        assert_eq!(items, ["book", "lamp"]);

        let described = parcel.describe(WorkflowDescribeOptions::default()).await.unwrap();
        assert_eq!((described.id(), described.run_id(), described.workflow_type()), ("p", "p", "Parcel"));
        assert_eq!(described.status(), WorkflowExecutionStatus::Running);
        let at = |time: Option<std::time::SystemTime>| time.unwrap().duration_since(UNIX_EPOCH).unwrap();
        let epoch = Time::ZERO.to_system_time().duration_since(UNIX_EPOCH).unwrap();
        assert_eq!((at(described.start_time()), described.close_time()), (epoch, None));
        assert!(described.history_length() > 3);

        let since = native.now();
        parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        assert_eq!(parcel.get_result(WorkflowGetResultOptions::default()).await.unwrap(), ["book", "lamp"]);
        assert!(native.now() - since > seconds(2), "it waits in virtual time");
        let described = parcel.describe(WorkflowDescribeOptions::default()).await.unwrap();
        assert_eq!(described.status(), WorkflowExecutionStatus::Completed);
        assert_eq!(at(described.close_time()), at(Some(native.now().to_system_time())));

        let cancelled = parcel_of(&client, "c").await;
        native.sleep(seconds(1)).await;
        cancelled.cancel(WorkflowCancelOptions::builder().reason("too heavy").build()).await.unwrap();
        let ended = cancelled.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::Cancelled { .. }), "{ended}");
        let items = cancelled.query(Parcel::items, (), WorkflowQueryOptions::default()).await.unwrap();
        assert_eq!(items, ["book", "cancelled: too heavy"]);

        let terminated = parcel_of(&client, "t").await;
        terminated.terminate(WorkflowTerminateOptions::builder().reason("lost").build()).await.unwrap();
        let ended = terminated.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::Terminated { .. }), "{ended}");
        let described = terminated.describe(WorkflowDescribeOptions::default()).await.unwrap();
        assert_eq!(described.status(), WorkflowExecutionStatus::Terminated);

        let failed = client.start_workflow(Parcel::run, "nothing".to_owned(), start("f")).await.unwrap();
        let ended = failed.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        let WorkflowGetResultError::Failed(failure) = &ended else { panic!("{ended}") };
        assert!(failure.to_string().contains("nothing to pack"), "{failure}");

        let mut options = start("late");
        options.execution_timeout = Some(seconds(60));
        options.run_timeout = Some(seconds(5));
        let (late, since) =
            (client.start_workflow(Parcel::run, "book".to_owned(), options).await.unwrap(), native.now());
        let ended = late.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::TimedOut), "{ended}");
        assert_eq!(native.now() - since, seconds(5));
    });
    told.unwrap();
}

/// An activity that is open is described with its attempt.
#[test]
fn a_description_has_the_activities_that_are_open() {
    let pending = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        native.sleep(seconds(1)).await;
        let described = parcel.describe(WorkflowDescribeOptions::default()).await.unwrap();
        let pending = described.raw().pending_activities.clone();
        (pending[0].activity_type.clone().unwrap().name, pending[0].attempt, pending.len())
    });
    assert_eq!(pending.unwrap(), ("Desk::weigh".to_owned(), 1, 1));
}

/// The call waits as long as its caller does, in virtual time.
#[test]
fn the_deadline_of_a_call_is_kept() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        let within = |length: Duration| {
            let mut options = WorkflowGetResultOptions::default();
            options.rpc_options = RpcOptions::builder().timeout(length).build();
            options
        };
        let since = native.now();
        let ended = parcel.get_result(within(seconds(3))).await.unwrap_err();
        let WorkflowGetResultError::Rpc(status) = &ended else { panic!("{ended}") };
        assert_eq!((status.code(), native.now() - since), (Code::DeadlineExceeded, seconds(3)));
        // No process answers.
        native.stop_worker(1);
        native.sleep(seconds(10)).await;
        let since = native.now();
        let queried = parcel.query(Parcel::items, (), WorkflowQueryOptions::default()).await;
        let Err(WorkflowQueryError::Rpc(status)) = queried else { panic!("{queried:?}") };
        assert_eq!((status.code(), native.now() - since), (Code::DeadlineExceeded, seconds(30)));
        parcel.terminate(WorkflowTerminateOptions::default()).await.unwrap();
    });
    told.unwrap();
}

/// It is code of production, in which all seven calls occur. A signal may be late, so that it does not look for the pen.
async fn starter(client: &Client) -> Result<(bool, bool), Box<dyn Error>> {
    let parcel = client.start_workflow(Parcel::run, "book".to_owned(), start("p")).await?;
    let other = client.start_workflow(Parcel::run, "lamp".to_owned(), start("other")).await?;
    let third = client.start_workflow(Parcel::run, "vase".to_owned(), start("third")).await?;
    parcel.signal(Parcel::add, "pen".to_owned(), WorkflowSignalOptions::default()).await?;
    let asked = parcel.query(Parcel::items, (), WorkflowQueryOptions::default()).await?;
    assert!(asked.contains(&"book".to_owned()), "{asked:?}");
    other.cancel(WorkflowCancelOptions::builder().reason("too heavy").build()).await?;
    let ended = other.get_result(WorkflowGetResultOptions::default()).await;
    assert!(matches!(ended, Err(WorkflowGetResultError::Cancelled { .. })), "{ended:?}");
    third.terminate(WorkflowTerminateOptions::builder().reason("lost").build()).await?;
    parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await?;
    let items = parcel.get_result(WorkflowGetResultOptions::default()).await?;
    let described = parcel.describe(WorkflowDescribeOptions::default()).await?;
    Ok((items.contains(&"book".to_owned()), described.status() == WorkflowExecutionStatus::Completed))
}

#[test]
fn a_starter_holds_under_every_fault() {
    let exploration =
        simulation().explore_script(async |native| starter(&connect(&native)).await.map_err(|error| error.to_string()));
    let report = exploration
        .every_fault()
        .seeds(0..200)
        .check(check::same_result())
        .check(check::completes())
        .check(check::replays())
        .report();
    let texts: Vec<&str> = report.failures().iter().map(|failed| &*failed.text).collect();
    assert!(report.holds(), "{report}\n{}", texts.join("\n"));
    let runs: u64 = report.parts().iter().map(|part| part.tally.runs).sum();
    assert!(runs > 250, "{report}");
}

#[test]
fn activities_have_the_same_client() {
    for how in ["at once", "in a task"] {
        let run = simulation().run("Orders", &how).unwrap();
        assert_eq!(run.result::<u32>().unwrap(), 1, "{how}: {}", run.timeline());
        let exploration = simulation().explore("Orders", &how).named(how);
        exploration.every_fault().seeds(0..100).check(check::same_result()).check(check::replays()).assert();
    }
}

/// A client with options of its own is made of the same connection.
#[test]
fn another_client_of_the_connection_finds_the_same_workflows() {
    let told = driven(async |_native, client| {
        let options = ClientOptions::new("shop").build();
        let other = Client::new(client.connection().clone(), options).unwrap();
        let parcel = parcel_of(&client, "p").await;
        let same = other.get_workflow_handle::<parcel::Run>("p");
        same.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        parcel.get_result(WorkflowGetResultOptions::default()).await.unwrap()
    });
    assert_eq!(told.unwrap(), ["book"]);
}
