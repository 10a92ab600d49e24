//! The exploration of the example `workflow_context`, in which all is private. It is a module of the example.

use durasim::Exploration;
use durasim_temporal::SimulationExt;
use temporalio_sdk::workflow_interceptors::WorkflowInterceptorConstructor;

use super::{ContextHeaderInterceptor, ContextWorkflow, GreetingActivities};
use crate::explorations::simulation;

/// An interceptor makes a header of what the workflow's code has put into its context.
pub fn exploration() -> Exploration {
    let simulation = simulation()
        .sdk_activity(GreetingActivities::greet, || GreetingActivities)
        .sdk_workflow::<ContextWorkflow>()
        .workflow_interceptor(WorkflowInterceptorConstructor::new(|_| ContextHeaderInterceptor));
    simulation.explore("ContextWorkflow", &"Temporal")
}
