//! Rows about an activity's options: kinds `policy_defaults`, `policy_validate`, `timeout_normalize`.

use durasim::Span;
use durasim::internals::options::{RetryDefaults, normalize_retry, normalize_timeouts, validate_retry};
use durasim::program::{ActivityId, Timeouts};
use serde_json::Value;

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::vocabulary::{found, ms, policy, timeouts, to_ms, to_policy};

pub fn policy_defaults(input: &Value) -> Found {
    let settings = &input["default_settings"];
    let defaults = RetryDefaults {
        initial_interval: ms(settings, "initial_ms"),
        backoff_coefficient: settings["coefficient"].as_f64().unwrap(),
        maximum_interval_coefficient: settings["max_interval_coefficient"].as_f64().unwrap(),
        maximum_attempts: settings["max_attempts"].as_i64().unwrap() as i32,
    };
    found! { "policy": to_policy(&normalize_retry(&policy(&input["policy"]), &defaults)) }
}

pub fn policy_validate(input: &Value) -> Found {
    let error = match &input["policy"] {
        // Without a policy there is nothing to validate: the service takes the activity.
        Value::Null => Bench::try_schedule(spec(Timeouts::default().start_to_close(Span::from_secs(1)), None))
            .err()
            .map(|refused| refused.message.into_owned()),
        given => validate_retry(&policy(given)).err(),
    };
    found! { "error": error }
}

pub fn timeout_normalize(input: &Value) -> Found {
    match normalize_timeouts(timeouts(input), ms(input, "run_timeout_ms"), &ActivityId::Named("%s".into()), "%s") {
        Ok(timeouts) => found! {
            "schedule_to_close_ms": to_ms(timeouts.schedule_to_close),
            "schedule_to_start_ms": to_ms(timeouts.schedule_to_start),
            "start_to_close_ms": to_ms(timeouts.start_to_close),
            "heartbeat_ms": to_ms(timeouts.heartbeat),
        },
        Err(error) => found! { "error": error },
    }
}
