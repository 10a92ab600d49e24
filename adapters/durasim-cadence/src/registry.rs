//! Activities and workflows that are registered as with a worker of the client.

use crabdance_activity::ActivityContext;
use crabdance_worker::registry::{Registry, RegistryInfo, WorkflowRegistry};
use durasim::Simulation;

use crate::activity::{CadenceActivity, Code};
use crate::activity_error::outcome;
use crate::resources::Resources;
use crate::workflow::CadenceWorkflow;

/// Adds all that `register` registers.
pub(crate) fn add(
    mut simulation: Simulation,
    register: impl FnOnce(&dyn Registry),
    resources: &impl Resources,
) -> Simulation {
    let registry = WorkflowRegistry::new();
    register(&registry);
    for name in names(registry.get_registered_activities()) {
        let Some(activity) = registry.get_activity(&name) else { continue };
        let given = resources.type_name();
        let start = move |ctx: ActivityContext, input| -> Code {
            let code = activity.execute(&ctx, input);
            Box::pin(async move { outcome(code.await, given) })
        };
        simulation = simulation.activity_program(CadenceActivity { name, start, resources: resources.clone() });
    }
    for name in names(registry.get_registered_workflows()) {
        let Some(workflow) = registry.get_workflow(&name) else { continue };
        let start = move |ctx, input| Ok(workflow.execute(ctx, input) as _);
        simulation = simulation.workflow_program(CadenceWorkflow { name, start });
    }
    simulation
}

/// The names in an order of their own: the registry has none.
fn names(known: Vec<RegistryInfo>) -> Vec<String> {
    let mut names: Vec<String> = known.into_iter().map(|known| known.name).collect();
    names.sort();
    names
}
