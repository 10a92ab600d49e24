//! The parts of the SDK that are not meant for users, and the messages of its protocol. The crates are pinned to a release
//! because of this file: all private paths are here, and nowhere else.

pub(crate) use temporalio_common::protos::coresdk::activity_result::activity_resolution::Status as ActivityStatus;
pub(crate) use temporalio_common::protos::coresdk::activity_result::{
    ActivityResolution, Cancellation, DoBackoff, Failure as ActivityFailure, Success,
};
pub(crate) use temporalio_common::protos::coresdk::child_workflow::child_workflow_result::Status as ChildStatus;
pub(crate) use temporalio_common::protos::coresdk::child_workflow::{
    Cancellation as ChildCancelled, ChildWorkflowCancellationType, ChildWorkflowResult, Failure as ChildFailure,
    ParentClosePolicy, StartChildWorkflowExecutionFailedCause as ChildCauseOfFailure, Success as ChildSuccess,
};
pub(crate) use temporalio_common::protos::coresdk::common::NamespacedWorkflowExecution;
// They come by name: with a glob, `WorkflowActivation` would come from two modules.
pub(crate) use temporalio_common::protos::coresdk::workflow_activation::resolve_child_workflow_execution_start::Status as ChildStartStatus;
pub(crate) use temporalio_common::protos::coresdk::workflow_activation::workflow_activation_job::Variant as JobVariant;
pub(crate) use temporalio_common::protos::coresdk::workflow_activation::{
    CancelWorkflow, FireTimer, InitializeWorkflow, NotifyHasPatch, QueryWorkflow, ResolveActivity,
    ResolveChildWorkflowExecution, ResolveChildWorkflowExecutionStart,
    ResolveChildWorkflowExecutionStartCancelled as ChildStartCancelled,
    ResolveChildWorkflowExecutionStartFailure as ChildStartFailed,
    ResolveChildWorkflowExecutionStartSuccess as ChildStartSucceeded, ResolveRequestCancelExternalWorkflow,
    ResolveSignalExternalWorkflow, SignalWorkflow, WorkflowActivation, WorkflowActivationJob,
};
pub(crate) use temporalio_common::protos::coresdk::workflow_commands::signal_external_workflow_execution::Target as SignalTarget;
pub(crate) use temporalio_common::protos::coresdk::workflow_commands::workflow_command::Variant as CommandVariant;
pub(crate) use temporalio_common::protos::coresdk::workflow_commands::{
    ActivityCancellationType, CancelChildWorkflowExecution, CancelWorkflowExecution, CompleteWorkflowExecution,
    ContinueAsNewWorkflowExecution, FailWorkflowExecution, QueryResult, QuerySuccess,
    RequestCancelExternalWorkflowExecution, ScheduleActivity, ScheduleLocalActivity, SignalExternalWorkflowExecution,
    StartChildWorkflowExecution, WorkflowCommand, query_result,
};
pub(crate) use temporalio_common::protos::google::rpc::Status as RpcStatus;
pub(crate) use temporalio_common::protos::temporal::api::common::v1::{
    ActivityType as ProtoActivityType, Header as ProtoHeader, Memo as ProtoMemo, Payload as ProtoPayload,
    Payloads as ProtoPayloads, RetryPolicy as ProtoRetryPolicy, SearchAttributes as ProtoSearchAttributes,
    WorkflowExecution as ProtoWorkflowExecution, WorkflowType as ProtoWorkflowType,
};
pub(crate) use temporalio_common::protos::temporal::api::enums::v1 as enums;
pub(crate) use temporalio_common::protos::temporal::api::errordetails::v1 as errordetails;
pub(crate) use temporalio_common::protos::temporal::api::failure::v1 as failures;
pub(crate) use temporalio_common::protos::temporal::api::history::v1 as history;
pub(crate) use temporalio_common::protos::temporal::api::query::v1::QueryRejected;
pub(crate) use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue as ProtoTaskQueue;
pub(crate) use temporalio_common::protos::temporal::api::workflow::v1 as executions;
pub(crate) use temporalio_common::protos::temporal::api::workflowservice::v1::get_system_info_response::Capabilities as SystemCapabilities;
pub(crate) use temporalio_common::protos::temporal::api::workflowservice::v1::{
    DescribeWorkflowExecutionRequest, DescribeWorkflowExecutionResponse, GetSystemInfoResponse,
    GetWorkflowExecutionHistoryRequest, GetWorkflowExecutionHistoryResponse, QueryWorkflowRequest,
    QueryWorkflowResponse, RequestCancelWorkflowExecutionRequest, RequestCancelWorkflowExecutionResponse,
    SignalWithStartWorkflowExecutionRequest, SignalWithStartWorkflowExecutionResponse, SignalWorkflowExecutionRequest,
    SignalWorkflowExecutionResponse, StartWorkflowExecutionRequest, StartWorkflowExecutionResponse,
    TerminateWorkflowExecutionRequest, TerminateWorkflowExecutionResponse,
};
pub(crate) use temporalio_common::protos::utilities::pack_any;
pub(crate) use temporalio_workflow::__private::sdk::{
    ActivationJobResult, GuestWorkflowInstance, MAIN_ROUTINE_ID, MainRoutineCompletion, RoutineCompletion, RoutineId,
    RoutinePendingState, TerminalOutcome, WorkflowHost, WorkflowInit, WorkflowInstance, is_sdk_wake,
};
pub(crate) use temporalio_workflow::workflows::WorkflowImplementation;

use std::rc::Rc;

use temporalio_common::WorkflowDefinition;
use temporalio_common::data_converters::{DataConverter, PayloadConversionError};
use temporalio_workflow::BaseWorkflowContext;
use temporalio_workflow::workflow_interceptors::WorkflowInterceptorConstructor;

/// Makes an instance of a workflow, which has not run yet.
///
/// # Errors
/// The error is the converter's if it does not decode the input.
pub(crate) fn instantiate<W: WorkflowImplementation>(
    init: WorkflowInit,
    converter: &DataConverter,
    host: Rc<dyn WorkflowHost>,
    interceptors: Vec<WorkflowInterceptorConstructor>,
) -> Result<Box<dyn WorkflowInstance>, PayloadConversionError>
where
    <W::Run as WorkflowDefinition>::Input: Send,
{
    let arguments = init.initialize_workflow.arguments.clone();
    let context = BaseWorkflowContext::from_raw(init, converter.clone(), host, None, interceptors);
    GuestWorkflowInstance::<W>::instantiate(arguments, converter.payload_converter().clone(), context)
}
