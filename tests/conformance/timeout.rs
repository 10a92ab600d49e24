//! Rows about deadlines: kinds `activity_timers` and `timeout_fire`.

use durasim::Time;
use durasim::internals::ActivityState;
use durasim::internals::timeout::{Clocks, deadlines};
use durasim::program::TimeoutType;
use durasim::service::EventKind;
use serde_json::{Value, json};

use crate::bench::{Bench, spec};
use crate::row::Found;
use crate::vocabulary::{flag, found, policy, timeouts, to_ms};

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
        timers.extend(deadlines(&timeouts(activity), &clocks).into_iter().map(|(timeout, at)| {
            json!({
                "event_id": activity["event_id"],
                "timer": timeout.to_string(),
                "at_ms": to_ms(at.since_epoch().into()),
            })
        }));
    }
    found! { "timers": timers }
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

/// The start-to-close timer of one attempt fires while this or another attempt runs.
fn attempt_timer(input: &Value) -> Found {
    let timeouts = timeouts(&json!({ "start_to_close_ms": 2000 }));
    let mut bench = Bench::schedule(spec(timeouts, None));
    bench.poll();
    while u64::from(bench.activity().attempt()) < input["activity_attempt"].as_u64().unwrap() {
        let token = *bench.tokens.last().unwrap();
        bench.fail(token, None, None).expect("a running attempt may fail");
        bench.pass_backoff();
        bench.poll();
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
