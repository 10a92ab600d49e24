//! Rows about deadlines: kinds `activity_timers` and `timeout_fire`.

use durasim::internals::timeout::{Clocks, deadlines};
use durasim::internals::{ActivityState, Service};
use durasim::program::TimeoutType;
use durasim::service::{Dialect, EventKind};
use durasim::{Span, Time};
use serde_json::{Value, json};

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::vocabulary::{flag, found, gap, policy, timeouts, to_ms};

pub fn activity_timers(input: &Value) -> Found {
    let mut timers = Vec::new();
    for activity in input["activities"].as_array().unwrap() {
        let at = |field: &str| activity[field].as_u64().map(Time::from_millis);
        // An activity that is not scheduled has no clocks, and the service does not know it.
        let (Some(attempt_scheduled_at), Some(scheduled_at)) = (at("scheduled_ms"), at("first_scheduled_ms")) else {
            continue;
        };
        let clocks = Clocks {
            scheduled_at,
            attempt_scheduled_at,
            started_at: at("started_ms"),
            last_heartbeat_at: at("last_heartbeat_ms"),
        };
        if !flag(activity, "paused") {
            let event_id = activity["event_id"].as_i64().unwrap_or(0);
            timers.extend(
                deadlines(&timeouts(activity), &clocks).into_iter().map(|(timeout, at)| (at, event_id, timeout)),
            );
        }
    }
    // Those of one activity are in order already, also where their times are equal.
    timers.sort_by_key(|(at, event_id, _)| (*at, *event_id));
    let timer = |(at, event_id, timeout): &(Time, i64, TimeoutType)| json!({ "event_id": event_id, "timer": timeout.to_string(), "at_ms": to_ms(at.since_epoch().into()) });
    found! { "timers": timers.iter().map(timer).collect::<Vec<_>>() }
}

pub fn timeout_fire(input: &Value) -> Found {
    if input.get("timer_attempt").is_some() { attempt_timer(input) } else { all_timers(input) }
}

/// All timers due by a moment fire at it.
fn all_timers(input: &Value) -> Found {
    let mut bench = Bench::schedule(spec(timeouts(input), Some(policy(&input["policy"]))));
    if flag(input, "started") {
        bench.poll();
    }
    bench.asked.clear();
    bench.fire_late(Time::from_millis(input["now_ms"].as_u64().unwrap()));
    let state = bench.activity().state().clone();
    if state == ActivityState::Backoff {
        // The new attempt's own clock may be set only once it is due.
        bench.pass_backoff();
    }
    found! {
        "closed": matches!(state, ActivityState::Closed(_)),
        "started": matches!(state, ActivityState::Started(_)),
        "timers_created_after": bench.asked.iter().map(TimeoutType::to_string).collect::<Vec<_>>(),
    }
}

/// The service with one activity whose verdict on a start-to-close timeout of the running attempt is the given one.
fn with_verdict(verdict: &Value, attempt: u64) -> Bench {
    let start_to_close = timeouts(&json!({ "start_to_close_ms": 2000 }));
    let once = |given: Value| Bench::schedule(spec(start_to_close, Some(policy(&given))));
    match verdict.as_str() {
        None | Some("IN_PROGRESS") => Bench::schedule(spec(start_to_close, None)),
        Some("MAXIMUM_ATTEMPTS_REACHED") => once(json!({ "max_attempts": attempt })),
        Some("NON_RETRYABLE_FAILURE") => once(json!({ "non_retryable_error_types": ["TemporalTimeout:StartToClose"] })),
        Some("TIMEOUT") => {
            // The first backoff is over in time, the one after the timeout is not.
            let whole = start_to_close.schedule_to_close(Span::from_secs(3600));
            let policy = policy(&json!({ "initial_ms": 1, "coefficient": 1e9, "max_interval_ms": 36_000_000 }));
            let policy = if attempt == 1 { policy.initial_interval(Span::from_secs(7200)) } else { policy };
            Bench::schedule(spec(whole, Some(policy)))
        }
        Some("CANCEL_REQUESTED") => Bench::schedule(spec(start_to_close, None)),
        // Temporal gives every activity of a workflow a policy; Cadence does not.
        Some("RETRY_POLICY_NOT_SET") if attempt == 1 => {
            let service = Service::with_dialect(Dialect::Cadence);
            Bench::schedule_on(service, spec(start_to_close.schedule_to_start(Span::from_secs(60)), None))
        }
        Some(other) => gap(format!("the verdict `{other}` on attempt {attempt}")),
    }
}

/// The start-to-close timer of one attempt fires while this or another attempt runs.
fn attempt_timer(input: &Value) -> Found {
    let attempt = input["activity_attempt"].as_u64().unwrap();
    let timeouts = timeouts(&json!({ "start_to_close_ms": 2000 }));
    let mut bench = with_verdict(&input["retry_result"], attempt);
    bench.poll();
    while u64::from(bench.activity().attempt()) < attempt {
        let token = *bench.tokens.last().unwrap();
        bench.fail(token, None, None).expect("a running attempt may fail");
        bench.pass_backoff();
        bench.poll();
    }
    if input["retry_result"] == "CANCEL_REQUESTED" {
        bench.request_cancel();
    }
    // This is the running attempt's own deadline: a timer of another attempt must not pass for it.
    bench.now = bench.activity().started_at().expect("a running attempt") + timeouts.start_to_close.to_duration();
    let before = (bench.activity().state().clone(), bench.activity().attempt());
    let timer = bench.timeout_timer(input["timer_attempt"].as_u64().unwrap() as u32, TimeoutType::StartToClose);
    let live = bench.fire(timer);
    let updated = before != (bench.activity().state().clone(), bench.activity().attempt());
    assert_eq!(live, updated, "what `is_live` said against what `fire` did");
    found! {
        "timed_out_event": bench.history().any(|event| matches!(event, EventKind::ActivityTaskTimedOut { .. })),
        "update_state": updated,
        "schedule_workflow_task": bench.has_workflow_task(),
    }
}

#[test]
fn a_given_verdict_decides_what_a_timer_does() {
    let fired = |verdict: &str, attempt: u32| {
        let input = json!({ "timer_attempt": attempt, "activity_attempt": attempt, "retry_result": verdict });
        let found = timeout_fire(&input);
        [&found["timed_out_event"], &found["update_state"], &found["schedule_workflow_task"]].map(|flag| flag == true)
    };
    for attempt in [1, 2] {
        assert_eq!(fired("IN_PROGRESS", attempt), [false, true, false]);
        for verdict in ["MAXIMUM_ATTEMPTS_REACHED", "NON_RETRYABLE_FAILURE", "TIMEOUT", "CANCEL_REQUESTED"] {
            assert_eq!(fired(verdict, attempt), [true, true, true], "{verdict} {attempt}");
        }
    }
    assert_eq!(fired("RETRY_POLICY_NOT_SET", 1), [true, true, true]);
}

#[test]
fn timers_of_several_activities_are_in_one_order() {
    let activity = |event_id: u32, start_to_close: u32| {
        json!({ "event_id": event_id, "scheduled_ms": 0, "first_scheduled_ms": 0, "started_ms": 0,
            "start_to_close_ms": start_to_close, "heartbeat_ms": 100 })
    };
    let found = activity_timers(&json!({ "activities": [activity(9, 300), activity(5, 200)] }));
    let order: Vec<Value> =
        found["timers"].as_array().unwrap().iter().map(|timer| json!([timer["event_id"], timer["at_ms"]])).collect();
    assert_eq!(json!(order), json!([[5, 100], [9, 100], [5, 200], [9, 300]]));
}
