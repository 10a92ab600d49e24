//! [`FaultWords`]: faults in words, for people who have not learned the plan's text.

use std::fmt;

use super::{Entry, Order, Plan};
use crate::fault::kind::Fault;
use crate::fault::observable::Observable;
use crate::fault::point::{Id, Name, Point, Site};

/// One fault at one point as a sentence without its full stop.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FaultWords<'a> {
    pub point: &'a Point,
    pub fault: Fault,
    /// The activity that the fault waits for, as `ship#2`, where that is known.
    pub awaited: Option<&'a str>,
}

impl Entry {
    /// Says the entry in words: `the worker crashes when attempt 1 of process_large_file waits for the 5th time`.
    ///
    /// ```
    /// # use durasim::fault::Entry;
    /// let entry: Entry = "process_large_file#1@2:completion=request_lost".parse()?;
    /// assert_eq!(
    ///     entry.words().to_string(),
    ///     "the report of attempt 2 of process_large_file never arrives at the service",
    /// );
    /// # Ok::<_, durasim::fault::PlanError>(())
    /// ```
    pub fn words(&self) -> impl fmt::Display + '_ {
        FaultWords { point: &self.point, fault: self.fault, awaited: None }
    }
}

impl Plan {
    /// Says the plan in words, a line for each fault and one for an order that is drawn; `no faults` if there is nothing to
    /// say.
    pub fn words(&self) -> impl fmt::Display + '_ {
        PlanWords(self)
    }
}

struct PlanWords<'a>(&'a Plan);

impl fmt::Display for PlanWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        for entry in &self.0.entries {
            write!(f, "{between}{}", entry.words())?;
            between = "\n";
        }
        match self.0.order {
            Order::Random => write!(f, "{between}ready tasks run in an order drawn from seed {}", self.0.seed),
            Order::Pct(_) => write!(f, "{between}ready tasks run by priorities drawn from seed {}", self.0.seed),
            Order::Fifo if self.0.is_empty() => f.write_str("no faults"),
            Order::Fifo => Ok(()),
        }
    }
}

impl fmt::Display for FaultWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = self.point.attempt.unwrap_or(0);
        let next = attempt.saturating_add(1);
        let subject = Subject(self.point);
        let nth = Ordinal(self.point.site.number().unwrap_or(0));
        match (self.point.site, self.fault) {
            (Site::Dispatch, Fault::Delayed(length)) => {
                write!(f, "handing attempt {attempt} of {subject} to a worker takes {length:?} longer")
            }
            (Site::Dispatch, Fault::WorkerDies) => {
                write!(f, "the worker that takes attempt {attempt} of {subject} dies at once")
            }
            (Site::Dispatch, Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel when attempt {attempt} of {subject} is handed to a worker")
            }

            (Site::Dispatch, Fault::Slow(factor)) => {
                write!(f, "each wait of attempt {attempt} of {subject} takes {factor} times as long")
            }
            (Site::Dispatch, fault @ (Fault::Deploy(worker) | Fault::Rollback(worker))) => {
                deployed(fault, worker, f)?;
                write!(f, " when attempt {attempt} of {subject} is handed to a worker")
            }
            (Site::Task(task), fault @ (Fault::Deploy(worker) | Fault::Rollback(worker))) => {
                deployed(fault, worker, f)?;
                write!(f, " while a worker has workflow task {task} of {subject}")
            }

            (Site::Await(_), Fault::CrashAttempt) => {
                write!(f, "attempt {attempt} of {subject} vanishes when it waits for the {nth} time")
            }
            (Site::Await(_), Fault::Fail) => {
                write!(f, "attempt {attempt} of {subject} fails, retryably, when it waits for the {nth} time")
            }
            (Site::Await(_), Fault::Stall(length)) => {
                write!(f, "attempt {attempt} of {subject} stalls for {length:?} when it waits for the {nth} time")
            }
            (Site::Await(_), Fault::Crash | Fault::Freeze(_) | Fault::Cancel | Fault::Stop) => {
                match self.fault {
                    Fault::Freeze(length) => write!(f, "the worker stands still for {length:?}")?,
                    Fault::Cancel => f.write_str("the workflow is asked to cancel")?,
                    Fault::Stop => f.write_str("the worker is told to stop")?,
                    _ => f.write_str("the worker crashes")?,
                }
                write!(f, " when attempt {attempt} of {subject} waits for the {nth} time")
            }

            (Site::Effect(_), Fault::CrashBefore) => {
                write!(f, "the worker crashes just before attempt {attempt} of {subject} does its {nth} effect")
            }
            (Site::Effect(_), Fault::CrashAfter) => {
                write!(f, "the worker crashes just after attempt {attempt} of {subject} did its {nth} effect")
            }
            (Site::Effect(_), Fault::FailUnapplied) => {
                write!(f, "the {nth} effect of attempt {attempt} of {subject} is not done and answers an error")
            }
            (Site::Effect(_), Fault::FailApplied) => {
                write!(f, "the {nth} effect of attempt {attempt} of {subject} is done but answers an error")
            }

            (Site::Heartbeat(_), Fault::CrashBefore) => {
                write!(f, "the worker crashes just before attempt {attempt} of {subject} records its {nth} heartbeat")
            }
            (Site::Heartbeat(_), Fault::CrashAfterSent | Fault::CrashAfterUnsent) => {
                write!(f, "the worker crashes just after attempt {attempt} of {subject} recorded its {nth} heartbeat")?;
                f.write_str(if self.fault == Fault::CrashAfterSent { " and sent it" } else { ", before it is sent" })
            }
            (Site::Heartbeat(_), Fault::RequestLost) => {
                write!(f, "the {nth} heartbeat of attempt {attempt} of {subject} never arrives at the service")
            }
            (Site::Heartbeat(_), Fault::AnswerLost) => {
                write!(f, "the service's answer to the {nth} heartbeat of attempt {attempt} of {subject} is lost")
            }
            (Site::Heartbeat(_), Fault::Delayed(length)) => {
                write!(f, "the {nth} heartbeat of attempt {attempt} of {subject} takes {length:?} longer")
            }

            (Site::Deadline(_), Fault::DeadlineBefore(length)) => {
                write!(f, "attempt {attempt} of {subject} gets to its {nth} wait {length:?} before its deadline")
            }
            (Site::Deadline(_), Fault::DeadlineAfter(length)) => {
                write!(f, "attempt {attempt} of {subject} gets to its {nth} wait {length:?} after its deadline")
            }
            (Site::Deadline(_), Fault::DeadlineAt | Fault::DeadlineAtLate) => {
                let side = if self.fault == Fault::DeadlineAt { "just ahead of" } else { "just behind" };
                write!(
                    f,
                    "attempt {attempt} of {subject} gets to its {nth} wait exactly at its deadline, {side} the service's \
                     timer"
                )
            }

            (Site::Completion, Fault::Crash) => {
                write!(f, "the worker crashes before the report of attempt {attempt} of {subject} leaves")
            }
            (Site::Completion, Fault::RequestLost) => {
                write!(f, "the report of attempt {attempt} of {subject} never arrives at the service")
            }
            (Site::Completion, Fault::AnswerLost) => {
                write!(f, "the service's answer to the report of attempt {attempt} of {subject} is lost")
            }
            (Site::Completion, Fault::Delayed(length)) => {
                write!(f, "the report of attempt {attempt} of {subject} takes {length:?} longer")
            }
            (Site::Completion, Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel when attempt {attempt} of {subject} reports its end")
            }

            (Site::Backoff, Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel while attempt {next} of {subject} waits for its time")
            }
            (Site::Backoff, Fault::WorkerGone) => {
                write!(f, "the worker is gone when attempt {next} of {subject} is due")
            }

            (Site::Task(task), Fault::Crash) => {
                write!(f, "the worker crashes when it has taken workflow task {task} of {subject}")
            }
            (Site::Task(task), Fault::CompletionLost) => {
                write!(f, "the worker's answer to workflow task {task} of {subject} is lost")
            }
            (Site::Task(task), Fault::AnswerLost) => {
                write!(f, "the service's answer to the end of workflow task {task} of {subject} is lost")
            }
            (Site::Task(task), Fault::Evicted) => {
                write!(f, "{subject} is evicted from the worker's cache before its workflow task {task}")
            }

            (Site::Task(task), Fault::Late(length)) => {
                write!(f, "the worker answers workflow task {task} of {subject} {length:?} late")
            }
            (Site::Task(task), Fault::Signal) => {
                write!(f, "the worker answers workflow task {task} of {subject} only when the next signal has arrived")
            }
            (Site::Task(task), Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel while the worker has workflow task {task} of {subject}")
            }

            (Site::Signal(_), Fault::Delayed(length)) => {
                write!(f, "the {nth} signal to {subject} takes {length:?} longer")
            }
            (Site::Signal(_), Fault::Duplicated) => write!(f, "the {nth} signal to {subject} arrives twice"),
            (Site::Signal(_), Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel right after the {nth} signal to {subject}")
            }
            (Site::Timer(timer), Fault::Delayed(length)) => {
                write!(f, "timer {timer} of {subject} fires {length:?} late")
            }
            (Site::Timer(timer), Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel right after timer {timer} of {subject} fires")
            }

            (Site::Child(child), Fault::Delayed(length)) => {
                write!(f, "child {child} of {subject} starts {length:?} late")
            }
            (Site::Child(child), Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel right after child {child} of {subject} starts")
            }
            (Site::ChildEnd(child), Fault::Delayed(length)) => {
                write!(f, "{subject} hears {length:?} late that its child {child} has closed")
            }
            (Site::ChildEnd(child), Fault::Cancel) => {
                write!(
                    f,
                    "the workflow is asked to cancel right after {subject} hears that its child {child} has closed"
                )
            }
            (Site::Message(_), Fault::Delayed(length)) => {
                write!(f, "the {nth} message of {subject} to another workflow takes {length:?} longer")
            }
            (Site::Message(_), Fault::Cancel) => write!(
                f,
                "the workflow is asked to cancel right after the {nth} message of {subject} to another workflow arrives"
            ),

            (Site::Update(_), Fault::Delayed(length)) => {
                write!(f, "the {nth} update of {subject} takes {length:?} longer")
            }
            (Site::Update(_), Fault::RequestLost) => {
                write!(f, "the {nth} update of {subject} is lost on its way, and sent again a second later")
            }
            (Site::Update(_), Fault::AnswerLost) => {
                write!(
                    f,
                    "the service's answer to the {nth} update of {subject} is lost; its sender asks again a second later"
                )
            }
            (Site::Update(_), Fault::Crash) => {
                write!(f, "the worker dies right after {subject} has accepted its {nth} update")
            }
            (Site::Update(_), Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel right after the {nth} update of {subject} arrives")
            }
            (Site::UpdateEnd(_), Fault::AnswerLost) => {
                write!(
                    f,
                    "the news that the {nth} update of {subject} has ended is lost; who waits asks again a second later"
                )
            }
            (Site::UpdateEnd(_), Fault::Cancel) => {
                write!(f, "the workflow is asked to cancel right after {subject} has ended its {nth} update")
            }

            (site, Fault::Behind(other) | Fault::NextTask(other)) if self.fault.fits(site) => {
                match site {
                    Site::Completion => write!(f, "the report of attempt {attempt} of {subject} arrives")?,
                    Site::Dispatch => write!(f, "attempt {attempt} of {subject} is handed to a worker")?,
                    Site::Signal(_) => write!(f, "the {nth} signal to {subject} arrives")?,
                    Site::Timer(timer) => write!(f, "timer {timer} of {subject} fires")?,
                    Site::Child(child) => write!(f, "child {child} of {subject} starts")?,
                    Site::ChildEnd(child) => write!(f, "{subject} hears of the end of its child {child}")?,
                    Site::Message(_) => write!(f, "the {nth} message of {subject} to another workflow arrives")?,
                    Site::Task(task) => write!(f, "workflow task {task} of {subject} is handed to a worker")?,
                    _ => {}
                }
                let how = if matches!(self.fault, Fault::Behind(_)) {
                    "right behind"
                } else {
                    "when the workflow has dealt with"
                };
                write!(f, " {how} {}", Awaited(other, self.awaited))
            }

            // This entry was made by hand and fits nowhere: reading a plan refuses it.
            (_, fault) => write!(f, "{fault} at {}, which it does not fit", self.point),
        }
    }
}

/// The end of a hold: the thing that was held goes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LetGoWords<'a> {
    pub point: &'a Point,
    pub fault: Fault,
    /// Says whether the thing that it waited for has come.
    pub came: bool,
    /// The activity that the fault waits for, as `ship#2`, where that is known.
    pub awaited: Option<&'a str>,
}

impl fmt::Display for LetGoWords<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.point.site {
            Site::Completion => f.write_str("the report")?,
            Site::Signal(number) => write!(f, "signal {number}")?,
            Site::Timer(number) => write!(f, "timer {number}")?,
            Site::Child(number) => write!(f, "the start of child {number}")?,
            Site::ChildEnd(number) => write!(f, "the news of the end of child {number}")?,
            Site::Message(number) => write!(f, "message {number} to another workflow")?,
            Site::Task(number) => write!(f, "workflow task {number}")?,
            _ => f.write_str("the task")?,
        }
        let Some(other) = self.fault.waits_for() else { return f.write_str(" goes on") };
        let other = Awaited(other, self.awaited);
        match (self.came, self.fault) {
            (true, Fault::NextTask(_)) => write!(f, " goes on: the workflow has dealt with {other}"),
            (true, _) => write!(f, " goes on: {other} has come"),
            (false, _) => write!(f, " goes on, in vain held for {other}"),
        }
    }
}

/// The thing that a fault waits for, and its name if it is an activity and that is known.
struct Awaited<'a>(Observable, Option<&'a str>);

impl fmt::Display for Awaited<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.1) {
            (Observable::Activity(_), Some(name)) => write!(f, "the end of {name}"),
            (Observable::Activity(number), None) => write!(f, "the end of the {} activity", Ordinal(number)),
            (Observable::Timer(number), _) => write!(f, "timer {number}"),
            (Observable::Signal(number), _) => write!(f, "signal {number}"),
            (Observable::Child(number), _) => write!(f, "the end of child {number}"),
            (Observable::Cancel, _) => f.write_str("the request to cancel"),
        }
    }
}

/// Says which version of the code gets to which workers.
fn deployed(fault: Fault, worker: Option<u32>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let version = if matches!(fault, Fault::Deploy(_)) { "new" } else { "old" };
    match (worker, version) {
        (Some(worker), version) => write!(f, "the {version} version is deployed to worker {worker} alone"),
        (None, "new") => f.write_str("the new version is deployed"),
        (None, _) => f.write_str("the deploy is rolled back"),
    }
}

/// The activity or workflow that a fault strikes. The first execution, workflow and run go without saying.
struct Subject<'a>(&'a Point);

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Name(&self.0.name))?;
        if self.0.execution != 1 {
            write!(f, "#{}", self.0.execution)?;
        }
        match (&self.0.workflow_id, self.0.run) {
            (None, None) => Ok(()),
            (Some(id), None) => write!(f, " (workflow {})", Id(id)),
            (None, Some(run)) => write!(f, " (run {run})"),
            (Some(id), Some(run)) => write!(f, " (workflow {}, run {run})", Id(id)),
        }
    }
}

/// Writes a number as `1st`, `2nd`, `11th`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ordinal(pub u32);

impl fmt::Display for Ordinal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let suffix = match (self.0 % 10, self.0 % 100) {
            (_, 11..=13) => "th",
            (1, _) => "st",
            (2, _) => "nd",
            (3, _) => "rd",
            _ => "th",
        };
        write!(f, "{}{suffix}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        text.parse::<Plan>().unwrap().words().to_string()
    }

    #[test]
    fn ordinals() {
        let text: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 102, 111, 113].map(|n| Ordinal(n).to_string()).into();
        assert_eq!(text.join(" "), "1st 2nd 3rd 4th 11th 12th 13th 21st 102nd 111th 113th");
    }

    #[test]
    fn a_line_for_each_fault() {
        assert_eq!(words("v1"), "no faults");
        assert_eq!(words("v1 seed=7 order=random"), "ready tasks run in an order drawn from seed 7");
        assert_eq!(words("v1 seed=7 order=pct(3)"), "ready tasks run by priorities drawn from seed 7");
        assert_eq!(
            words("v1 seed=7 order=random; a#1@1:await5=crash; b#2@1:await1=stall(31001ms)"),
            "the worker crashes when attempt 1 of a waits for the 5th time\n\
             attempt 1 of b#2 stalls for 31.001s when it waits for the 1st time\n\
             ready tasks run in an order drawn from seed 7"
        );
        assert_eq!(
            words("order-7:a#1@1:backoff=worker_gone"),
            "the worker is gone when attempt 2 of a (workflow order-7) is due"
        );
        assert_eq!(
            words("w#1@2:task3=evicted"),
            "w (run 2) is evicted from the worker's cache before its workflow task 3"
        );
        assert_eq!(
            words(
                "a#1@2:completion=behind(timer1); a#1@1:dispatch=behind(activity2); w#1:signal3=next_task(cancel); \
                 w#1:timer1=next_task(signal2); w#1:task1=behind(signal1)"
            ),
            "the report of attempt 2 of a arrives right behind timer 1\n\
             attempt 1 of a is handed to a worker right behind the end of the 2nd activity\n\
             the 3rd signal to w arrives when the workflow has dealt with the request to cancel\n\
             timer 1 of w fires when the workflow has dealt with signal 2\n\
             workflow task 1 of w is handed to a worker right behind signal 1"
        );
    }

    #[test]
    fn every_fault_that_fits_has_words() {
        let sites = [
            Site::Dispatch,
            Site::Await(1),
            Site::Effect(1),
            Site::Heartbeat(1),
            Site::Deadline(1),
            Site::Completion,
            Site::Backoff,
            Site::Task(1),
            Site::Signal(1),
            Site::Timer(1),
            Site::Child(1),
            Site::ChildEnd(1),
            Site::Message(1),
            Site::Update(1),
            Site::UpdateEnd(1),
        ];
        for site in sites {
            let point = Point { workflow_id: None, run: None, name: "a".into(), execution: 1, attempt: Some(1), site };
            for fault in Fault::KINDS {
                let words = FaultWords { point: &point, fault, awaited: None }.to_string();
                assert_eq!(words.ends_with("does not fit"), !fault.fits(site), "{fault} at {site}: {words}");
            }
        }
    }
}
