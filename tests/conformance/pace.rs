//! [`Pace`]: the times at which the surroundings of the service act.

use std::borrow::Borrow;

use durasim::{Span, Time};
use serde_json::Value;

/// The surroundings of the service are the driver of the scenario, its workers and the network. Nominally each hand-over
/// takes the dispatch latency and each call no time. In a recording they had their own times, and where two things
/// happen at nearly the same moment these decide. Then the scenario is played again with hand-overs and calls at their
/// recorded times: the answers of the service and the worker to them must come out as recorded.
///
/// `V` is the recording, owned or lent.
#[derive(Clone)]
pub enum Pace<V> {
    Nominal,
    /// A call is recorded with its sending and its answer, but not with its arrival; a worker's timers are a few
    /// milliseconds late. This says where within that the truth is taken to lie.
    Recorded {
        observed: V,
        slack: Slack,
        timers: Timers,
        /// Says whether calls come by the history, too.
        calls_by_history: bool,
    },
    /// As nominally, but a simulation is called when its history has the events that the recording had by then, whatever
    /// the time is.
    ByHistory {
        observed: V,
    },
}

/// The lateness of the server's timers.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// The milliseconds by which they may have been late.
    pub latest: f64,
    /// Says whether those that the recording does not show were as late: something else came first.
    pub unseen_are_late: bool,
}

#[derive(Clone, Copy, Debug)]
pub enum Slack {
    Early,
    Middle,
    Late,
}

pub const SLACKS: [Slack; 3] = [Slack::Early, Slack::Middle, Slack::Late];

impl Slack {
    /// The time of a call's arrival between its sending and its answer, as a share.
    fn share(self) -> f64 {
        match self {
            Slack::Early => 0.1,
            Slack::Middle => 0.5,
            Slack::Late => 0.9,
        }
    }

    /// The lateness of a worker's own timers against the code that it runs, in milliseconds.
    fn lateness(self) -> f64 {
        match self {
            Slack::Early => 0.0,
            Slack::Middle => 5.0,
            Slack::Late => 10.0,
        }
    }
}

impl<V: Borrow<Value>> Pace<V> {
    pub fn is_nominal(&self) -> bool {
        !matches!(self, Pace::Recorded { .. })
    }

    fn at(&self, find: impl Fn(&Value, Slack) -> Option<f64>) -> Option<Time> {
        match self {
            Pace::Nominal | Pace::ByHistory { .. } => None,
            Pace::Recorded { observed, slack, .. } => {
                find(observed.borrow(), *slack).map(|millis| Time::from_nanos((millis * 1e6) as u64))
            }
        }
    }

    /// The time at which the workflow task of this number, from 0, of the run with this history was started, or
    /// completed or failed.
    pub fn workflow_task(&self, history: &str, number: usize, started: bool) -> Option<Time> {
        self.at(|observed, _| {
            let events = observed.pointer(history)?.as_array()?;
            let is_start = |event: &&Value| event["type"] == "WORKFLOW_TASK_STARTED";
            let start = events.iter().filter(is_start).nth(number)?;
            if started {
                return start["t_ms"].as_f64();
            }
            let ends = |event: &&Value| event["attrs"]["started_event_id"] == start["id"] && is_task_end(event);
            events.iter().find(ends)?["t_ms"].as_f64()
        })
    }

    /// The time at which an attempt, from 0, was handed out, or began to run.
    pub fn attempt(&self, activity: &str, attempt: usize) -> Option<Time> {
        self.at(|observed, _| observed["activities"][activity]["attempts"][attempt]["started_at_ms"].as_f64())
    }

    /// The time at which a timer of the server fired that was due at `nominal`, by a search in the recording. A time by
    /// which no timer is late is not that of the timer.
    fn fired(&self, nominal: Time, find: impl Fn(&Value) -> Option<f64>) -> Time {
        let Pace::Recorded { timers, .. } = self else { return nominal };
        let most = nominal.plus(Span::from_nanos((timers.latest * 1e6) as i64));
        match self.at(|observed, _| find(observed)) {
            None if timers.unseen_are_late => most,
            None => nominal,
            Some(at) if at <= most => at.max(nominal),
            Some(_) => nominal,
        }
    }

    /// The time at which a timeout of an activity passed of which so many attempts were handed out: the activity closed by
    /// it, or the next attempt got its time, which is later by the backoff.
    pub fn timeout(&self, nominal: Time, activity: &str, attempts: usize, backoff: Option<Span>) -> Time {
        self.fired(nominal, |observed| {
            let activity = &observed["activities"][activity];
            match activity["attempts"].as_array()?.get(attempts) {
                Some(next) => Some(next["attempt_scheduled_at_ms"].as_f64()? - backoff?.as_nanos() as f64 / 1e6),
                None if activity["outcome"]["event"] == "ACTIVITY_TASK_TIMED_OUT" => {
                    activity["outcome"]["t_ms"].as_f64()
                }
                None => None,
            }
        })
    }

    /// The time at which the run of this history got an event that a timer makes.
    pub fn fired_event(&self, nominal: Time, history: &str, name: &str, timer: Option<&str>) -> Time {
        self.fired(nominal, |observed| {
            let events = observed.pointer(history)?.as_array()?.iter();
            let mut named = events.filter(|event| event["type"] == name);
            named.find(|event| timer.is_none_or(|timer| event["attrs"]["timer_id"] == timer))?["t_ms"].as_f64()
        })
    }

    /// The time at which the driver looked for the last time.
    pub fn last_look(&self) -> Option<Time> {
        self.at(|observed, _| {
            let snapshots = observed["snapshots"].as_array()?;
            snapshots.iter().find(|snapshot| snapshot["label"] == "final")?["at_ms"].as_f64()
        })
    }

    /// The time at which a call of an attempt arrived.
    pub fn call(&self, activity: &str, attempt: usize, call: usize) -> Option<Time> {
        self.at(|observed, slack| arrival(&observed["activities"][activity]["attempts"][attempt]["calls"][call], slack))
    }

    /// The time at which a call from outside arrived.
    pub fn client_call(&self, call: usize) -> Option<Time> {
        self.at(|observed, slack| arrival(&observed["client_calls"][call], slack))
    }

    /// The number of events that the first run's history had when a call from outside was sent, without those about
    /// workflow tasks, if that decides when it is made.
    pub fn events_before_call(&self, call: usize) -> Option<usize> {
        let (Pace::Recorded { observed, calls_by_history: true, .. } | Pace::ByHistory { observed }) = self else {
            return None;
        };
        let sent = observed.borrow()["client_calls"][call]["at_ms"].as_f64()?;
        let events = observed.borrow().pointer("/history/run-1")?.as_array()?.iter();
        let before = events.filter(|event| {
            let is_task = event["type"].as_str().is_some_and(|name| name.starts_with("WORKFLOW_TASK_"));
            !is_task && event["t_ms"].as_f64().is_some_and(|at| at <= sent)
        });
        Some(before.count())
    }

    /// The time at which an attempt's code recorded a heartbeat, by the worker's timers, which run from the first
    /// heartbeat.
    pub fn heartbeat(&self, activity: &str, attempt: usize, call: usize) -> Option<Time> {
        self.at(|observed, slack| {
            let heartbeat = &observed["activities"][activity]["attempts"][attempt]["calls"][call];
            let at = heartbeat["at_ms"].as_f64().filter(|_| heartbeat["call"] == "heartbeat")?;
            Some(if call == 0 { at } else { at - slack.lateness() })
        })
    }
}

fn is_task_end(event: &Value) -> bool {
    ["COMPLETED", "FAILED", "TIMED_OUT"].iter().any(|end| event["type"] == format!("WORKFLOW_TASK_{end}"))
}

fn arrival(call: &Value, slack: Slack) -> Option<f64> {
    Some(call["at_ms"].as_f64()? + call["took_ms"].as_f64().unwrap_or(0.0) * slack.share())
}
