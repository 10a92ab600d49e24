//! Workflows start with all options that the SDK's client has, again under an id, and with a signal.

use futures::FutureExt;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowStartError};
use temporalio_client::grpc::WorkflowService;
use temporalio_client::tonic::{Code, IntoRequest};
use temporalio_client::{
    Client, UntypedWorkflow, WorkflowDescribeOptions, WorkflowExecutionStatus, WorkflowGetResultOptions,
    WorkflowIdConflictPolicy, WorkflowIdReusePolicy, WorkflowQueryOptions, WorkflowSignalOptions,
    WorkflowTerminateOptions,
};
use temporalio_common::RetryPolicy;
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowIdReusePolicy as OldPolicy;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

use super::{Handle, Parcel, driven, parcel_of, start};
use crate::seconds;

async fn items_of(parcel: &Handle) -> Vec<String> {
    parcel.query(Parcel::items, (), WorkflowQueryOptions::default()).await.unwrap()
}

async fn status_of(client: &Client, id: &str) -> (String, WorkflowExecutionStatus) {
    let newest = client.get_workflow_handle::<UntypedWorkflow>(id);
    let described = newest.describe(WorkflowDescribeOptions::default()).await.unwrap();
    (described.run_id().to_owned(), described.status())
}

#[test]
fn an_id_may_be_used_again_as_the_policies_say() {
    let told = driven(async |native, client| {
        let first = parcel_of(&client, "p").await;
        first.terminate(WorkflowTerminateOptions::default()).await.unwrap();
        // It was terminated, so that both policies let the id be used again.
        let mut options = start("p");
        options.id_reuse_policy = WorkflowIdReusePolicy::AllowDuplicateFailedOnly;
        let second = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await.unwrap();
        assert_eq!(second.run_id(), Some("p:2"));
        native.sleep(seconds(1)).await;
        assert_eq!(items_of(&second).await, ["lamp"]);
        // The first one is still there, under the id of its run.
        let ended = first.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::Terminated { .. }), "{ended}");

        let mut options = start("p");
        options.id_conflict_policy = WorkflowIdConflictPolicy::TerminateExisting;
        let third = client.start_workflow(Parcel::run, "vase".to_owned(), options).await.unwrap();
        let ended = second.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::Terminated { .. }), "{ended}");
        third.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        assert_eq!(third.get_result(WorkflowGetResultOptions::default()).await.unwrap(), ["vase"]);
        // It has completed: the default lets the id be used again, and others do not.
        for policy in [WorkflowIdReusePolicy::RejectDuplicate, WorkflowIdReusePolicy::AllowDuplicateFailedOnly] {
            let mut options = start("p");
            options.id_reuse_policy = policy;
            let again = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
            let Err(WorkflowStartError::AlreadyStarted { run_id, .. }) = again else { panic!("{policy:?}") };
            assert_eq!(run_id.as_deref(), Some("p:3"));
        }
        let fourth = parcel_of(&client, "p").await;
        assert_eq!(status_of(&client, "p").await, ("p:4".to_owned(), WorkflowExecutionStatus::Running));
        fourth.terminate(WorkflowTerminateOptions::default()).await.unwrap();

        let mut options = start("p");
        options.id_conflict_policy = WorkflowIdConflictPolicy::TerminateExisting;
        options.id_reuse_policy = WorkflowIdReusePolicy::RejectDuplicate;
        let both = client.start_workflow(Parcel::run, "lamp".to_owned(), options).await;
        let Err(WorkflowStartError::Rpc(status)) = both else { panic!("it makes no sense") };
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("cannot be used together with"), "{status:?}");
    });
    told.unwrap();
}

#[test]
fn a_signal_comes_with_a_start() {
    let told = driven(async |native, client| {
        let with = |item: &str, options| {
            let (first, added) = (format!("{item} 1"), format!("{item} 2"));
            client.signal_with_start_workflow(Parcel::run, first, Parcel::add, added, options)
        };
        let first = with("book", start("p")).await.unwrap();
        assert_eq!(first.run_id(), Some("p"));
        native.sleep(seconds(1)).await;
        assert_eq!(items_of(&first).await, ["book 2", "book 1"], "a signal is handled before the code begins");
        // It is open, so that it gets the signal alone.
        let same = with("lamp", start("p")).await.unwrap();
        assert_eq!(same.run_id(), Some("p"));
        native.sleep(seconds(1)).await;
        assert_eq!(items_of(&same).await, ["book 2", "book 1", "lamp 2"]);
        let mut options = start("p");
        options.id_conflict_policy = WorkflowIdConflictPolicy::TerminateExisting;
        let second = with("vase", options).await.unwrap();
        assert_eq!(second.run_id(), Some("p:2"));
        second.terminate(WorkflowTerminateOptions::default()).await.unwrap();

        let mut options = start("p");
        options.id_reuse_policy = WorkflowIdReusePolicy::RejectDuplicate;
        let refused = with("pen", options).await;
        assert!(refused.is_err_and(|error| error.to_string().contains("already finished")));
        let mut options = start("p");
        options.id_conflict_policy = WorkflowIdConflictPolicy::Fail;
        let Err(WorkflowStartError::Rpc(status)) = with("pen", options).await else { panic!("it makes no sense") };
        assert!(status.message().contains("WORKFLOW_ID_CONFLICT_POLICY_FAIL is not supported"), "{status:?}");
        assert_eq!(with("pen", start("p")).await.unwrap().run_id(), Some("p:3"));
    });
    told.unwrap();
}

#[test]
fn the_time_of_a_chain_ends_its_retries() {
    let told = driven(async |native, client| {
        let mut options = start("f");
        options.retry_policy = Some(RetryPolicy::builder().backoff_coefficient(1.0).build());
        options.execution_timeout = Some(seconds(10));
        let since = native.now();
        let failing = client.start_workflow(Parcel::run, "nothing".to_owned(), options).await.unwrap();
        let ended = failing.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::Failed(_)), "{ended}");
        assert_eq!((native.now() - since).as_secs(), 9, "no run begins at the end of the chain");
        assert_eq!(status_of(&client, "f").await, ("f:10".to_owned(), WorkflowExecutionStatus::Failed));

        let mut options = start("late");
        options.retry_policy = Some(RetryPolicy::builder().maximum_attempts(2).build());
        options.run_timeout = Some(seconds(5));
        let since = native.now();
        let late = client.start_workflow(Parcel::run, "book".to_owned(), options).await.unwrap();
        let ended = late.get_result(WorkflowGetResultOptions::default()).await.unwrap_err();
        assert!(matches!(ended, WorkflowGetResultError::TimedOut), "{ended}");
        assert_eq!((native.now() - since).as_secs(), 11, "two runs, and a second between them");

        let mut options = start("wrong");
        options.retry_policy = Some(RetryPolicy::builder().backoff_coefficient(0.5).build());
        let wrong = client.start_workflow(Parcel::run, "book".to_owned(), options).await;
        let Err(WorkflowStartError::Rpc(status)) = wrong else { panic!("it makes no sense") };
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().contains("BackoffCoefficient"), "{status:?}");
    });
    told.unwrap();
}

/// The options of the SDK's client have no start delay, and its requests do.
#[test]
fn a_start_may_be_delayed() {
    let told = driven(async |native, client| {
        let input = Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: b"\"book\"".to_vec(),
            ..Default::default()
        };
        let request = |id: &str, policy: OldPolicy| StartWorkflowExecutionRequest {
            workflow_id: id.to_owned(),
            workflow_type: Some(WorkflowType { name: "Parcel".to_owned() }),
            task_queue: Some(TaskQueue { name: "post".to_owned(), ..Default::default() }),
            input: Some(Payloads { payloads: vec![input.clone()] }),
            workflow_start_delay: Some(prost_wkt_types::Duration { seconds: 20, nanos: 0 }),
            workflow_id_reuse_policy: policy.into(),
            ..Default::default()
        };
        let begin = async |policy| {
            let request = request("p", policy).into_request();
            client.clone().start_workflow_execution(request).boxed_local().await.unwrap().into_inner()
        };
        let since = native.now().to_system_time();
        let started = begin(OldPolicy::AllowDuplicate).await;
        assert_eq!((started.run_id.as_str(), started.started), ("p", true));
        let parcel = client.get_workflow_handle::<super::parcel::Run>("p");
        let described = parcel.describe(WorkflowDescribeOptions::default()).await.unwrap();
        assert_eq!(described.execution_time(), Some(since + seconds(20)));
        parcel.signal(Parcel::ship, (), WorkflowSignalOptions::default()).await.unwrap();
        parcel.get_result(WorkflowGetResultOptions::default()).await.unwrap();
        // The signal does not wake it; the activity takes two seconds.
        assert_eq!(native.now().to_system_time().duration_since(since).unwrap().as_secs(), 22);

        // The old policy that terminates an open workflow is one of conflicts now.
        begin(OldPolicy::AllowDuplicate).await;
        #[allow(deprecated, reason = "requests may still have it")]
        let third = begin(OldPolicy::TerminateIfRunning).await;
        assert_eq!((third.run_id.as_str(), third.started), ("p:3", true));
    });
    told.unwrap();
}
