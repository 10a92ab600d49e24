//! The SDK's client inside a run: its requests are answered by the simulated service, on the thread of the run.

mod answer;
mod describe;
mod result;
mod start;
mod status;

use std::sync::{Arc, LazyLock};

use durasim::requests;
use futures_util::FutureExt;
use prost::Message;
use temporalio_client::callback_based::{CallbackBasedGrpcService, GrpcRequest, GrpcSuccessResponse};
use temporalio_client::tonic::Status;
use temporalio_client::{Client, ClientOptions, Connection, ConnectionOptions, RetryOptions, Url};
use temporalio_common::data_converters::DataConverter;

use crate::activity::context::NAMESPACE;
use crate::place;
use crate::settings::Settings;

/// Gives a client of the Temporal SDK for the run in which this is called, with the simulation's
/// [data converter](crate::SimulationExt::data_converter). Code that starts workflows in production runs with it in the
/// script of [`drive`](durasim::Simulation::drive) and
/// [`explore_script`](durasim::Simulation::explore_script), in virtual time and under every fault; `ctx.client()` gives
/// activities the same.
///
/// A client with options of its own, such as interceptors, is made of the connection of this one.
///
/// Start, signal with start, signal, query, result, cancel, terminate and describe are simulated. Any other request ends the
/// run with an error that names it, and so does an option of one that is not simulated. All workflows that it starts run on
/// the default task queue and in the default namespace, whatever the code calls them. The requests of the eight take no
/// time, but for the answers that code of workflows gives.
///
/// A handle that a start gives is that of the first run, as in production: a signal or a cancel of it does not reach a run
/// that has followed by continue-as-new or a retry, and its result is that of the last one. A handle of
/// `client.get_workflow_handle(id)` is that of the newest run.
///
/// ```
/// use durasim::Simulation;
/// use durasim_temporal::SimulationExt;
/// use temporalio_client::{Client, WorkflowGetResultOptions, WorkflowStartOptions};
/// use temporalio_macros::{workflow, workflow_methods};
/// use temporalio_sdk::{WorkflowContext, WorkflowResult};
///
/// #[workflow]
/// #[derive(Default)]
/// pub struct Greets;
///
/// #[workflow_methods]
/// impl Greets {
///     #[run]
///     pub async fn run(_ctx: &mut WorkflowContext<Self>, name: String) -> WorkflowResult<String> {
///         Ok(format!("Hello, {name}!"))
///     }
/// }
///
/// /// It is code of production: it knows nothing of simulations.
/// async fn greet(client: &Client, name: &str) -> Result<String, Box<dyn std::error::Error>> {
///     let options = WorkflowStartOptions::new("greetings", format!("greet-{name}")).build();
///     let handle = client.start_workflow(Greets::run, name.to_owned(), options).await?;
///     Ok(handle.get_result(WorkflowGetResultOptions::default()).await?)
/// }
///
/// let (greeting, _run) = Simulation::temporal()
///     .sdk_workflow::<Greets>()
///     .drive(async |client| greet(&durasim_temporal::connect(&client), "Ada").await.unwrap())
///     .unwrap();
/// assert_eq!(greeting, "Hello, Ada!");
/// ```
///
/// # Panics
/// Requests outside of a run panic, and so do those that are awaited in another run than the one that made them.
pub fn connect(_client: &durasim::Client) -> Client {
    Settings::of(&requests::extensions()).client.clone()
}

/// Makes a client that converts in this way. It belongs to no run: a request finds the run on its thread.
pub(crate) fn client(converter: &DataConverter) -> Client {
    let options = ClientOptions::new(NAMESPACE).data_converter(converter.clone()).build();
    Client::new(CONNECTION.clone(), options).expect("it has no plugins")
}

/// The connection of all clients. It is made outside of runs, because it draws random bytes.
static CONNECTION: LazyLock<Connection> = LazyLock::new(|| {
    let callback = Arc::new(|request| async move { serve(request).await }.boxed());
    let options = ConnectionOptions::new(Url::parse("http://durasim.invalid").expect("it is a URL"))
        .service_override(CallbackBasedGrpcService { callback })
        .dns_load_balancing(None)
        .identity("durasim")
        // No answer of the service is worth a retry, and a script has no runtime to wait for one.
        .retry_options(RetryOptions::no_retries())
        .build();
    let connected = Connection::connect(options).now_or_never().expect("the service answers at once");
    connected.expect("the service says what it can")
});

/// The service of requests that the client makes for its calls.
const SERVICE: &str = "temporal.api.workflowservice.v1.WorkflowService";

/// Serves a request by its name.
async fn serve(request: GrpcRequest) -> Result<GrpcSuccessResponse, Status> {
    let rpc = if request.service == SERVICE { &*request.rpc } else { "" };
    let proto = match rpc {
        "GetSystemInfo" => answer::system_info(),
        "StartWorkflowExecution" => start::start(read(&request, "client.start_workflow")?)?.encode_to_vec(),
        "SignalWithStartWorkflowExecution" => {
            start::signal_with_start(read(&request, "client.signal_with_start_workflow")?)?.encode_to_vec()
        }
        "SignalWorkflowExecution" => answer::signal(read(&request, "handle.signal")?).await?.encode_to_vec(),
        "QueryWorkflow" => {
            let timeout = answer::timeout(&request);
            answer::query(read(&request, "handle.query")?, timeout).await?.encode_to_vec()
        }
        "RequestCancelWorkflowExecution" => answer::cancel(read(&request, "handle.cancel")?)?.encode_to_vec(),
        "TerminateWorkflowExecution" => answer::terminate(read(&request, "handle.terminate")?)?.encode_to_vec(),
        "DescribeWorkflowExecution" => describe::describe(&read(&request, "handle.describe")?)?.encode_to_vec(),
        "GetWorkflowExecutionHistory" => {
            let timeout = answer::timeout(&request);
            result::result(read(&request, "handle.get_result")?, timeout).await?.encode_to_vec()
        }
        _ => refuse(&request),
    };
    Ok(GrpcSuccessResponse { headers: Default::default(), proto })
}

/// Reads a request, which is made by a call of this name.
fn read<T: Message + Default>(request: &GrpcRequest, call: &'static str) -> Result<T, Status> {
    place::note(call);
    T::decode(request.proto.clone()).map_err(|why| Status::invalid_argument(why.to_string()))
}

/// Ends the run for a request that is not simulated.
fn refuse(request: &GrpcRequest) -> ! {
    let call = match &*request.rpc {
        "UpdateWorkflowExecution" | "PollWorkflowExecutionUpdate" => " (an update)",
        "ExecuteMultiOperation" => " (an update with start)",
        "ListWorkflowExecutions" => " (`client.list_workflows`)",
        "CountWorkflowExecutions" => " (`client.count_workflows`)",
        "StartActivityExecution" => " (`client.start_activity`)",
        "RespondActivityTaskCompleted" | "RespondActivityTaskCompletedById" => " (the completion of an activity)",
        "RespondActivityTaskFailed" | "RespondActivityTaskFailedById" => " (the failure of an activity)",
        "RespondActivityTaskCanceled" | "RespondActivityTaskCanceledById" => " (the cancellation of an activity)",
        "RecordActivityTaskHeartbeat" | "RecordActivityTaskHeartbeatById" => " (the heartbeat of an activity)",
        _ => "",
    };
    not_simulated(&format!("makes the request `{}`{call}", request.rpc))
}

/// Ends the run for something that a client does and that is not simulated.
fn not_simulated(what: &str) -> ! {
    place::note_always("client");
    requests::refuse(format!(
        "a client of the Temporal SDK {what}, which is not simulated: put the call behind a trait, with a fake in the state of \
         the run"
    ))
}
