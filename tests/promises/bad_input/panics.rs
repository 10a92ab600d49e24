//! Panics of user code.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        case("a panic in a workflow", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                assert_eq!(number, 2, "two is asked for");
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a panic in a workflow whose task was given out before", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                assert_eq!(number, 2, "two is asked for");
                Ok(number)
            })
            .event_budget(1_000)
            .plan("main#1:task1=crash".parse()?)
            .run("main", &1u32)
        }),
        case("a panic in an activity", || {
            activity(async |_ctx: &ActivityContext, number: u32| {
                assert_eq!(number, 2, "two is asked for");
                Ok(number)
            })
            .run("main", &1u32)
        }),
        case("a panic with something that is not text", || {
            activity(async |_ctx: &ActivityContext, number: u32| std::panic::panic_any(number)).run("main", &1u32)
        }),
        case("a panic in a workflow with something that is not text", || {
            workflow(async |_ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                std::panic::panic_any(number)
            })
            .run("main", &1u32)
        }),
        case("a panic in the maker of a state", || {
            with(options()).state(|| -> Missing { panic!("no fixtures") }).run("main", &1u32)
        }),
        case("a state whose maker wants another", || {
            struct Wanting;
            let make = || {
                let _ = durasim::state::<Missing>();
                Wanting
            };
            with(options()).state(make).run("main", &1u32)
        }),
        case("a state asked of a run that has none", || {
            let run = with(options()).run("main", &1u32)?;
            let _ = run.state::<Missing>();
            Ok(run)
        }),
    ]
}
