//! Activity options that the service refuses.

use super::*;

pub fn cases() -> Vec<Case> {
    vec![
        case("no timeout at all", || with(ActivityOptions::default()).run("main", &1u32)),
        case("only a heartbeat timeout", || {
            with(ActivityOptions { heartbeat_timeout: second(), ..Default::default() }).run("main", &1u32)
        }),
        case("a negative coefficient", || {
            with_policy(RetryPolicy { backoff_coefficient: -2.0, ..Default::default() }).run("main", &1u32)
        }),
        case("a coefficient below one", || {
            with_policy(RetryPolicy { backoff_coefficient: 0.5, ..Default::default() }).run("main", &1u32)
        }),
        case("a coefficient that is not a number", || {
            with_policy(RetryPolicy { backoff_coefficient: f64::NAN, ..Default::default() }).run("main", &1u32)
        }),
        case("a longest interval below the first", || {
            let policy =
                RetryPolicy { initial_interval: second() * 10, maximum_interval: second(), ..Default::default() };
            with_policy(policy).run("main", &1u32)
        }),
        case("a negative number of attempts", || {
            with_policy(RetryPolicy { maximum_attempts: -1, ..Default::default() }).run("main", &1u32)
        }),
        case("an activity id used twice", || {
            workflow(async |ctx: &WorkflowContext, number: u32| -> Result<u32, WorkflowError> {
                let named = ActivityOptions { activity_id: Some("copy".into()), ..options() };
                let one = ctx.execute_activity::<u32>("fine", &number, named.clone());
                let other = ctx.execute_activity::<u32>("fine", &number, named);
                Ok(one.await? + other.await?)
            })
            .run("main", &1u32)
        }),
        case("an empty activity id", || {
            with(ActivityOptions { activity_id: Some(String::new()), ..options() }).run("main", &1u32)
        }),
    ]
}
