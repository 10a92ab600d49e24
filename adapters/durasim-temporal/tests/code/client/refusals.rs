//! Requests that a server refuses have its status codes and words.

use durasim::ClientError;
use temporalio_client::errors::{
    WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError, WorkflowStartError,
};
use temporalio_client::tonic::{Code, Status};
use temporalio_client::{
    QueryRejectCondition, UntypedQuery, UntypedSignal, UntypedWorkflow, WorkflowCancelOptions, WorkflowDescribeOptions,
    WorkflowExecutionInfo, WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowIdConflictPolicy,
    WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowSignalOptions, WorkflowStartOptions, WorkflowTerminateOptions,
};
use temporalio_common::data_converters::RawValue;

use super::{Handle, Parcel, driven, parcel_of, start};
use crate::seconds;

/// Says which status an error carries, and in which words.
fn refused(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}

#[test]
fn a_workflow_that_is_not_there_is_not_found() {
    let told = driven(async |_native, client| {
        let run = |run_id: Option<&str>, id: &str| {
            let info = WorkflowExecutionInfo::builder().namespace("default").workflow_id(id);
            let info = info.maybe_run_id(run_id).build();
            Handle::new(client.clone(), info)
        };
        let _there = parcel_of(&client, "there").await;
        for (handle, words) in [
            (run(None, "nowhere"), "workflow not found for ID: nowhere"),
            (
                run(Some("other"), "there"),
                "workflow execution not found for workflow ID \"there\" and run ID \"other\"",
            ),
        ] {
            let expected = (Code::NotFound, words);
            let signalled = handle.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await;
            let cancelled = handle.cancel(WorkflowCancelOptions::default()).await;
            let terminated = handle.terminate(WorkflowTerminateOptions::default()).await;
            let described = handle.describe(WorkflowDescribeOptions::default()).await.map(|_| ());
            for answer in [signalled, cancelled, terminated, described] {
                let Err(WorkflowInteractionError::NotFound(status)) = answer else { panic!("{answer:?}") };
                assert_eq!(refused(&status), expected);
            }
            let queried = handle.query(Parcel::items, (), WorkflowQueryOptions::default()).await;
            let Err(WorkflowQueryError::NotFound(status)) = queried else { panic!("{queried:?}") };
            assert_eq!(refused(&status), expected);
            let result = handle.get_result(WorkflowGetResultOptions::default()).await;
            let Err(WorkflowGetResultError::NotFound(status)) = result else { panic!("{result:?}") };
            assert_eq!(refused(&status), expected);
        }
    });
    told.unwrap();
}

#[test]
fn a_workflow_that_has_closed_takes_no_signals() {
    let told = driven(async |_native, client| {
        let parcel = parcel_of(&client, "p").await;
        parcel.terminate(WorkflowTerminateOptions::default()).await.unwrap();
        // A server does nothing for a cancel then.
        parcel.cancel(WorkflowCancelOptions::default()).await.unwrap();
        let signalled = parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await;
        let terminated = parcel.terminate(WorkflowTerminateOptions::default()).await;
        for answer in [signalled, terminated] {
            let Err(WorkflowInteractionError::NotFound(status)) = answer else { panic!("{answer:?}") };
            assert_eq!(refused(&status), (Code::NotFound, "workflow execution already completed"));
        }
        let open = WorkflowQueryOptions::builder().reject_condition(QueryRejectCondition::NotOpen).build();
        let queried = parcel.query(Parcel::items, (), open).await;
        let Err(WorkflowQueryError::Rejected { status }) = queried else { panic!("{queried:?}") };
        assert_eq!(status, Some(WorkflowExecutionStatus::Terminated));
    });
    told.unwrap();
}

#[test]
fn an_id_that_is_taken_is_said_to_be() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        let again = client.start_workflow(Parcel::run, "lamp".to_owned(), start("p")).await;
        let Err(WorkflowStartError::AlreadyStarted { run_id, source }) = again else { panic!("it is taken") };
        assert_eq!(run_id.as_deref(), Some("p"));
        let words = "Workflow execution is already running. WorkflowId: p, RunId: p.";
        assert_eq!(refused(&source), (Code::AlreadyExists, words));

        let mut options = start("p");
        options.id_conflict_policy = WorkflowIdConflictPolicy::UseExisting;
        let same = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await.unwrap();
        let items = same.query(Parcel::items, (), WorkflowQueryOptions::default()).await.unwrap();
        assert_eq!(items, ["book"]);
        // Native code and the SDK's see the same workflows.
        let native = native.start::<Vec<String>>("Parcel", "p", &"lamp").await.map(|_| ());
        assert_eq!(native, Err(ClientError::AlreadyStarted("p".to_owned())));

        parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        parcel.get_result(WorkflowGetResultOptions::default()).await.unwrap();
        for policy in [WorkflowIdReusePolicy::RejectDuplicate, WorkflowIdReusePolicy::AllowDuplicateFailedOnly] {
            let mut options = start("p");
            options.id_reuse_policy = policy;
            let again = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
            assert!(matches!(again, Err(WorkflowStartError::AlreadyStarted { .. })), "{policy:?}");
        }
    });
    told.unwrap();
}

#[test]
fn wrong_requests_are_invalid() {
    let told = driven(async |native, client| {
        let parcel = parcel_of(&client, "p").await;
        native.sleep(seconds(1)).await;
        let untyped = client.get_workflow_handle::<UntypedWorkflow>("p");
        let query = UntypedQuery::new("weight");
        let nothing = RawValue::empty;
        let queried = untyped.query(query, nothing(), WorkflowQueryOptions::default()).await;
        let Err(WorkflowQueryError::Rpc(status)) = queried else { panic!("it has no such query") };
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("weight"), "{status:?}");

        let signal = UntypedSignal::new("");
        let signalled = untyped.signal(signal, nothing(), WorkflowSignalOptions::default()).await;
        let Err(WorkflowInteractionError::Rpc(status)) = signalled else { panic!("it has no name") };
        assert_eq!(refused(&status), (Code::InvalidArgument, "SignalName is not set on request."));

        let without_id = client.start_workflow(Parcel::run, "lamp".to_owned(), start("")).await;
        let Err(WorkflowStartError::Rpc(status)) = without_id else { panic!("it has no id") };
        assert_eq!(refused(&status), (Code::InvalidArgument, "WorkflowId is not set on request."));
        let options = WorkflowStartOptions::new("", "q").build();
        let without_queue = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
        let Err(WorkflowStartError::Rpc(status)) = without_queue else { panic!("it has no task queue") };
        assert_eq!(refused(&status), (Code::InvalidArgument, "TaskQueue is not set on request."));
        parcel.terminate(WorkflowTerminateOptions::default()).await.unwrap();
    });
    told.unwrap();
}
