//! Names that are not there or twice, and types that do not fit.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        case("a workflow that is not registered", || with(options()).run("mian", &1u32)),
        case("a workflow, of none", || Simulation::temporal().run("main", &1u32)),
        case("an activity that is not registered", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("fien", &number, options()).await
            })
            .run("main", &1u32)
        }),
        case("an activity registered twice", || with(options()).activity("fine", fine).run("main", &1u32)),
        case("a workflow registered twice", || {
            let again = async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> { Ok(number) };
            with(options()).workflow("main", again).run("main", &1u32)
        }),
        case("a state registered twice", || {
            with(options()).state(Missing::default).state(Missing::default).run("main", &1u32)
        }),
        case("an activity without a name", || with(options()).activity("", fine).run("main", &1u32)),
        case("a workflow without a name", || {
            let nameless = async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> { Ok(number) };
            with(options()).workflow("", nameless).run("main", &1u32)
        }),
        case("a workflow's input of another type", || with(options()).run("main", "one")),
        case("a workflow's input that is not JSON", || with(options()).run("main", &not_json())),
        case("a workflow's result that is not JSON", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| -> Result<BTreeMap<(u8, u8), u8>, WorkflowError> {
                Ok(not_json())
            })
            .run("main", &1u32)
        }),
        case("a workflow's result asked for as another type", || {
            workflow(async |_ctx: &WorkflowContext, _number: u32| -> Result<String, WorkflowError> { Ok("one".into()) })
                .run("main", &1u32)
        }),
        case("an activity's input of another type", || {
            workflow(async |ctx: &WorkflowContext, _number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("fine", "one", options()).await
            })
            .run("main", &1u32)
        }),
        case("an activity's input that is not JSON", || {
            workflow(async |ctx: &WorkflowContext, _number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("fine", &not_json(), options()).await
            })
            .run("main", &1u32)
        }),
        case("an activity's result that is not JSON", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                ctx.execute_activity("work", &number, options()).await
            })
            .activity("work", async |_ctx: &ActivityContext, _number: u32| Ok(not_json()))
            .run("main", &1u32)
        }),
        case("an activity's result asked for as another type", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let text: String = ctx.execute_activity("fine", &number, options()).await?;
                Ok(text.len() as u32)
            })
            .run("main", &1u32)
        }),
    ]
}
