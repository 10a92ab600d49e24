//! The exploration of the example `workflow_context`, in which all is private. It is a module of the example.

use durasim::{Exploration, Simulation};
use durasim_temporal::SimulationExt;
use temporalio_sdk::workflow_interceptors::WorkflowInterceptorConstructor;
use temporalio_sdk::workflow_replayer::WorkflowReplayerOptions;

use super::{ContextHeaderInterceptor, ContextWorkflow, GreetingActivities};
use crate::explorations::simulation;

/// Registers the workflow.
pub fn registered(simulation: Simulation) -> Simulation {
    simulation
        .sdk_workflow::<ContextWorkflow>()
        .workflow_interceptor(WorkflowInterceptorConstructor::new(|_| ContextHeaderInterceptor))
}

/// The options of the SDK's replayer, with the workflow.
pub fn replayer() -> WorkflowReplayerOptions {
    WorkflowReplayerOptions::new().register_workflow::<ContextWorkflow>().expect("no other has its name").build()
}

/// An interceptor makes a header of what the workflow's code has put into its context.
pub fn exploration() -> Exploration {
    let simulation = registered(simulation()).sdk_activity(GreetingActivities::greet, || GreetingActivities);
    simulation.explore("ContextWorkflow", &"Temporal")
}
