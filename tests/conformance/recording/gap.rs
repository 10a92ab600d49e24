//! [`Gap`]: a time between two stamps that the service's rules set.

use serde_json::Value;

/// The milliseconds by which a recording may be later than the nominal time.
const LATER: f64 = 60.0;
/// The milliseconds by which timers of a slow machine were late at most.
const LATEST: f64 = 1000.0;
/// The milliseconds by which it may be earlier: stamps are whole milliseconds of two clocks.
const EARLIER: f64 = 2.0;

/// A moment of an activity or a workflow, to be found in a recording. Attempts are counted from 0, in the order in which
/// workers received them.
#[derive(Clone, PartialEq, Debug)]
pub enum Stamp {
    Scheduled {
        activity: String,
    },
    AttemptScheduled {
        activity: String,
        attempt: usize,
    },
    Started {
        activity: String,
        attempt: usize,
    },
    /// A worker's call arrived, between its sending and its answer.
    Call {
        activity: String,
        attempt: usize,
        call: usize,
    },
    Closed {
        activity: String,
    },
    /// A call from outside arrived.
    ClientCall {
        call: usize,
    },
    /// An attempt's code ended.
    Ended {
        activity: String,
        attempt: usize,
    },
    /// The first start of an activity in the history.
    StartedEvent,
    /// A timer started in the run of this history, which is named by its place in a recording.
    TimerStarted {
        history: String,
        timer: String,
    },
    TimerFired {
        history: String,
        timer: String,
    },
    RunStarted {
        history: String,
    },
    /// The first workflow task of a run was scheduled.
    FirstTask {
        history: String,
    },
    RunTimedOut {
        history: String,
    },
}

#[derive(Clone, PartialEq, Debug)]
pub struct Gap {
    pub from: Stamp,
    pub to: Stamp,
    /// The nominal time in milliseconds.
    pub nominal: f64,
}

impl Stamp {
    /// The earliest and the latest time, in milliseconds, that the recording has for it.
    fn find(&self, observed: &Value) -> Option<(f64, f64)> {
        let event = |history: &str, name: &str, timer: Option<&str>| {
            let events = observed.pointer(history)?.as_array()?.iter();
            let mut named = events.filter(|event| event["type"] == name);
            named.find(|event| timer.is_none_or(|timer| event["attrs"]["timer_id"] == timer))?["t_ms"].as_f64()
        };
        let exactly = |at: Option<f64>| at.map(|at| (at, at));
        match self {
            Stamp::Scheduled { activity } => exactly(observed["activities"][activity]["scheduled"]["t_ms"].as_f64()),
            Stamp::Closed { activity } => exactly(observed["activities"][activity]["outcome"]["t_ms"].as_f64()),
            Stamp::AttemptScheduled { activity, attempt } => {
                exactly(observed["activities"][activity]["attempts"][*attempt]["attempt_scheduled_at_ms"].as_f64())
            }
            Stamp::Started { activity, attempt } => {
                exactly(observed["activities"][activity]["attempts"][*attempt]["started_at_ms"].as_f64())
            }
            Stamp::Call { activity, attempt, call } => {
                under_way(&observed["activities"][activity]["attempts"][*attempt]["calls"][*call])
            }
            Stamp::ClientCall { call } => under_way(&observed["client_calls"][*call]),
            Stamp::TimerStarted { history, timer } => exactly(event(history, "TIMER_STARTED", Some(timer))),
            Stamp::TimerFired { history, timer } => exactly(event(history, "TIMER_FIRED", Some(timer))),
            Stamp::Ended { activity, attempt } => {
                exactly(observed["activities"][activity]["attempts"][*attempt]["ended_at_ms"].as_f64())
            }
            Stamp::StartedEvent => exactly(event("/history/run-1", "ACTIVITY_TASK_STARTED", None)),
            Stamp::RunStarted { history } => exactly(event(history, "WORKFLOW_EXECUTION_STARTED", None)),
            Stamp::FirstTask { history } => exactly(event(history, "WORKFLOW_TASK_SCHEDULED", None)),
            Stamp::RunTimedOut { history } => exactly(event(history, "WORKFLOW_EXECUTION_TIMED_OUT", None)),
        }
    }
}

fn under_way(call: &Value) -> Option<(f64, f64)> {
    let sent = call["at_ms"].as_f64()?;
    Some((sent, sent + call["took_ms"].as_f64().unwrap_or(0.0)))
}

/// The milliseconds by which timers of the server may have been late.
pub fn latest(is_slow: bool) -> f64 {
    if is_slow { LATEST } else { LATER }
}

impl Gap {
    /// The contradiction of the recording to this gap, if there is one. A stamp that was not recorded says nothing: it
    /// is missed elsewhere. A recording of a slow machine says no more than that the time had passed.
    pub fn disagreement(&self, observed: &Value, is_slow: bool) -> Option<String> {
        let (from, to) = (self.from.find(observed)?, self.to.find(observed)?);
        let (least, most) = (to.0 - from.1, to.1 - from.0);
        let agrees = most >= self.nominal - EARLIER && (is_slow || least <= self.nominal + LATER);
        (!agrees).then(|| {
            format!("gap {:?} to {:?}: expected {least} to {most} ms found {} ms", self.from, self.to, self.nominal)
        })
    }
}

#[test]
fn a_backoff_may_be_a_little_late() {
    let activity = || "a".to_owned();
    let gap = Gap {
        from: Stamp::Call { activity: activity(), attempt: 0, call: 0 },
        to: Stamp::AttemptScheduled { activity: activity(), attempt: 1 },
        nominal: 200.0,
    };
    let recording = |next: f64| {
        let attempts = serde_json::json!([
            { "calls": [{ "at_ms": 10, "took_ms": 4 }] },
            { "attempt_scheduled_at_ms": next },
        ]);
        serde_json::json!({ "activities": { "a": { "attempts": attempts } } })
    };
    for fits in [208.0, 214.0, 274.0] {
        assert_eq!(gap.disagreement(&recording(fits), false), None);
    }
    for is_slow in [false, true] {
        assert!(gap.disagreement(&recording(207.0), is_slow).is_some());
        assert_eq!(gap.disagreement(&recording(275.0), is_slow).is_some(), !is_slow);
    }
}
