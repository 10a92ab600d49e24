//! [`Step`]: one step of a short story, in the words of the rows of kind `trace`.
//!
//! A step is a name, then perhaps arguments in braces, then perhaps the attempt whose token is shown:
//! `RespondFailed{retryable,heartbeat_details=D}`, `Heartbeat{D}(attempt 1 token)`. A call has `ByID` in its name if it has no
//! token. `XElapses` and `(x elapses)` let time go on until a deadline passes.

use durasim::Span;
use durasim::internals::{HeartbeatAnswer, Refused};
use durasim::program::{Details, Failure, FailureKind, RetrySpec, TimeoutType, Timeouts};
use durasim::service::{Reset, Unpause};
use serde_json::{Value, json};

use crate::bench::Bench;
use crate::vocabulary::{details, gap, policy, timeout_type};

/// The answer to the last call of a story.
pub type Answer = Result<Option<HeartbeatAnswer>, Refused>;

#[derive(Debug)]
pub struct Step<'a> {
    whole: &'a str,
    /// The name, without `ByID`.
    name: String,
    arguments: Vec<&'a str>,
    by_id: bool,
    /// The attempt whose token is shown, from 1; the last one if none is named.
    token_of: Option<usize>,
}

impl<'a> Step<'a> {
    pub fn parse(whole: &'a str) -> Step<'a> {
        let (mut rest, mut token_of) = (whole.trim(), None);
        if let Some((before, attempt)) = rest.strip_suffix(" token)").and_then(|rest| rest.split_once("(attempt ")) {
            rest = before.trim();
            token_of = Some(attempt.parse().unwrap_or_else(|_| gap(format!("the step `{whole}`"))));
        }
        let (name, arguments) = match rest.strip_suffix('}').and_then(|rest| rest.split_once('{')) {
            Some((name, arguments)) => (name, arguments.split(',').map(str::trim).collect()),
            None => (rest, Vec::new()),
        };
        let name = name.trim_matches(['(', ')']);
        let by_id = name.contains("ByID") || name.contains("ById");
        Step { whole, name: name.replace("ByID", "").replace("ById", ""), arguments, by_id, token_of }
    }

    fn unknown(&self) -> ! {
        gap(format!("the step `{}`", self.whole))
    }

    /// The deadline that is waited for.
    fn elapsing(&self) -> Option<TimeoutType> {
        let name: String = self.name.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
        Some(match name.strip_suffix("elapses")?.trim_end_matches("timeout") {
            "starttoclose" => TimeoutType::StartToClose,
            "scheduletostart" => TimeoutType::ScheduleToStart,
            "scheduletoclose" => TimeoutType::ScheduleToClose,
            "heartbeat" => TimeoutType::Heartbeat,
            _ => return None,
        })
    }

    /// The value of an argument `name=value`.
    fn argument(&self, name: &str) -> Option<&'a str> {
        self.arguments.iter().find_map(|argument| argument.strip_prefix(name)?.trim().strip_prefix('=')).map(str::trim)
    }

    fn has(&self, flag: &str) -> bool {
        self.arguments.contains(&flag)
    }

    /// Says whether the step asks for one thing more, in its name or in its arguments.
    fn asks(&self, word: &str, flag: &str) -> bool {
        self.name.contains(word) || self.has(flag)
    }

    pub fn take(&self, config: &Value, bench: &mut Bench) -> Answer {
        let silent = Ok(None);
        if let Some(timeout) = self.elapsing() {
            bench.pass(timeout);
            return silent;
        }
        let name = self.name.as_str();
        match name {
            "Poll" => bench.poll(),
            "BackoffElapses" => bench.pass_backoff(),
            "RequestCancel" => bench.request_cancel(),
            "Terminate" => bench.terminate(),
            "Pause" => return bench.try_to_operate(|service, activity, _| service.pause(activity)).map(|()| None),
            _ if name.starts_with("Unpause") => {
                let how = Unpause {
                    reset_attempts: self.asks("ResettingAttempts", "reset_attempts"),
                    reset_heartbeat: self.asks("ClearingHeartbeat", "reset_heartbeat"),
                };
                return bench
                    .try_to_operate(|service, activity, now| service.unpause(activity, how, now))
                    .map(|()| None);
            }
            _ if name.starts_with("Reset") => {
                let how = Reset {
                    reset_heartbeat: self.asks("ClearingHeartbeat", "reset_heartbeat"),
                    keep_paused: self.asks("KeepingPaused", "keep_paused"),
                    ..Default::default()
                };
                return bench.try_to_operate(|service, activity, now| service.reset(activity, how, now)).map(|()| None);
            }
            "Heartbeat" | "RecordHeartbeat" => {
                let said = match self.arguments[..] {
                    [] | [""] => Details::Absent,
                    [one] => word(one),
                    _ => self.unknown(),
                };
                return if self.by_id { bench.heartbeat_by_id(said) } else { bench.heartbeat(self.token(bench), said) }
                    .map(Some);
            }
            "Complete" | "RespondCompleted" => {
                return if self.by_id { bench.complete_by_id() } else { bench.complete(self.token(bench)) }
                    .map(|()| None);
            }
            "RespondCanceled" | "Cancel" | "RespondCancelled" => {
                let said = self.argument("details").map_or(Details::Absent, word);
                return if self.by_id { bench.cancel_by_id(said) } else { bench.cancel(self.token(bench), said) }
                    .map(|()| None);
            }
            _ if name.starts_with("Fail") || name == "RespondFailed" => return self.fail(config, bench).map(|()| None),
            _ => self.unknown(),
        }
        silent
    }

    /// Reports a failure: `Retryably`, `NonRetryably`, `WithoutFailure`, or `With` a kind of it.
    fn fail(&self, config: &Value, bench: &mut Bench) -> Result<(), Refused> {
        let how = self.name.trim_start_matches("RespondFailed").trim_start_matches("Fail");
        let (manner, kind) = how.split_once("With").unwrap_or((how, ""));
        let non_retryable = match manner {
            "" | "Retryably" => self.has("nonretryable") || self.has("non_retryable"),
            "NonRetryably" => true,
            _ if how == "WithoutFailure" || how == "outFailure" => false,
            _ => self.unknown(),
        };
        let failure = if how.contains("WithoutFailure") {
            None
        } else {
            Some(
                Failure::new("synthetic", self.kind(kind.trim_end_matches("Failure"))).into_test(config, non_retryable),
            )
        };
        let attached = self.argument("heartbeat_details").map(word);
        if self.by_id {
            bench.fail_by_id_with(failure, attached)
        } else {
            bench.fail(self.token(bench), failure, attached)
        }
    }

    fn kind(&self, kind: &str) -> FailureKind {
        match kind {
            "" | "Application" | "NextRetryDelay" => FailureKind::Application {
                error_type: "TestFailure".into(),
                non_retryable: false,
                details: Details::Absent,
                next_retry_delay: None,
            },
            "Canceled" | "Cancelled" => FailureKind::Canceled { details: Details::Absent },
            "Terminated" => FailureKind::Terminated,
            "Server" => FailureKind::Server { non_retryable: false },
            kind => match kind.strip_suffix("Timeout") {
                Some(timeout) => FailureKind::Timeout {
                    timeout_type: timeout_type(timeout),
                    last_heartbeat_details: Details::Absent,
                },
                None => self.unknown(),
            },
        }
    }

    fn token(&self, bench: &Bench) -> durasim::internals::Token {
        let token = match self.token_of {
            Some(attempt) => bench.tokens.get(attempt - 1),
            None => bench.tokens.last(),
        };
        *token.unwrap_or_else(|| self.unknown())
    }
}

trait IntoTest {
    fn into_test(self, config: &Value, non_retryable: bool) -> Failure;
}

impl IntoTest for Failure {
    /// An application's failure has the words of the upstream tests, and the delay of the row.
    fn into_test(mut self, config: &Value, asked_for: bool) -> Failure {
        match &mut self.kind {
            FailureKind::Application { non_retryable, next_retry_delay, .. } => {
                *non_retryable = asked_for;
                *next_retry_delay = config["next_retry_delay_ms"].as_i64().map(Span::from_millis);
                self.message = "test failure".into();
            }
            FailureKind::Server { non_retryable } => *non_retryable = asked_for,
            _ => {}
        }
        self
    }
}

/// Reads details: a list of nothing, or JSON, or a bare word.
fn word(text: &str) -> Details {
    match text {
        "[]" => Details::Empty,
        "null" => Details::Payload(durasim::program::Payload::new("null")),
        text => details(&serde_json::from_str(text).unwrap_or_else(|_| json!(text))),
    }
}

/// Makes the policy: the row's interval is an initial interval that never grows, unless the row says more; the file says
/// `short` where its length does not matter.
pub fn retry(config: &Value) -> Option<RetrySpec> {
    if config["has_retry_policy"] == false {
        return None;
    }
    let interval = config["retry_interval_ms"].as_i64().unwrap_or(1000);
    let mut given = json!({ "initial_ms": interval, "coefficient": 1.0 });
    for field in ["max_attempts", "coefficient", "max_interval_ms", "non_retryable_error_types"] {
        if !config[field].is_null() {
            given[field] = config[field].clone();
        }
    }
    Some(policy(&given))
}

/// A deadline that the story waits for is set so that it passes before any other, unless the row has it.
pub fn timeouts(config: &Value, steps: &[Step<'_>]) -> Timeouts {
    let waits_for = |timeout: TimeoutType| steps.iter().any(|step| step.elapsing() == Some(timeout));
    let given = |field: &str, otherwise: Span| config[field].as_i64().map_or(otherwise, Span::from_millis);
    let when = |condition: bool, seconds: i64| Span::from_secs(if condition { seconds } else { 0 });
    let whole = waits_for(TimeoutType::ScheduleToClose);
    Timeouts::default()
        .schedule_to_close(given("schedule_to_close_ms", when(whole, 3600)))
        .schedule_to_start(given("schedule_to_start_ms", when(waits_for(TimeoutType::ScheduleToStart), 30)))
        .start_to_close(given("start_to_close_ms", when(!whole, 60)))
        .heartbeat(given("heartbeat_ms", when(waits_for(TimeoutType::Heartbeat), 10)))
}

#[test]
fn steps_are_read_with_what_belongs_to_them() {
    let step = Step::parse("RespondFailed{retryable,heartbeat_details=[]}");
    assert_eq!((step.name.as_str(), step.argument("heartbeat_details")), ("RespondFailed", Some("[]")));
    let step = Step::parse("Heartbeat{D}(attempt 2 token)");
    assert_eq!((step.name.as_str(), &step.arguments[..], step.token_of), ("Heartbeat", &["D"][..], Some(2)));
    let step = Step::parse("FailByIDRetryablyWithHeartbeatTimeoutFailure");
    assert_eq!((step.name.as_str(), step.by_id), ("FailRetryablyWithHeartbeatTimeoutFailure", true));
    assert_eq!(Step::parse("(start-to-close elapses)").elapsing(), Some(TimeoutType::StartToClose));
    assert_eq!(Step::parse("ScheduleToCloseTimeoutElapses").elapsing(), Some(TimeoutType::ScheduleToClose));
    assert_eq!(Step::parse("BackoffElapses").elapsing(), None);
}

#[test]
fn every_call_in_every_state_has_an_answer() {
    let told = |steps: &[&str]| {
        let found = crate::trace::trace(&json!({ "config": { "max_attempts": 3 }, "trace": steps }));
        let text =
            |field: &str| found.get(field).map_or(String::new(), |value| value.as_str().unwrap_or("-").to_owned());
        (text("status"), text("rpc_error"))
    };
    let answers = |status: &str, error: &str| (status.to_owned(), error.to_owned());
    assert_eq!(told(&["Poll", "FailNonRetryably", "HeartbeatByID{D}"]), answers("FAILED", "NotFound"));
    assert_eq!(told(&["Poll", "Complete"]), answers("COMPLETED", ""));
    assert_eq!(told(&["Poll", "RequestCancel", "RespondCanceled{details=bye}"]), answers("CANCELED", ""));
    assert_eq!(told(&["Poll", "FailWithCanceledFailure"]), answers("", "InvalidArgument"));
    assert_eq!(told(&["Poll", "FailByIDWithTerminatedFailure"]), answers("FAILED", ""));
    assert_eq!(told(&["Poll", "Terminate", "Heartbeat{}"]), answers("", "NotFound"));
    assert_eq!(told(&["Poll", "Complete", "Unpause"]), answers("COMPLETED", "NotFound"));
    assert_eq!(told(&["Poll", "RequestCancel", "CancelByID"]), answers("CANCELED", ""));
}
