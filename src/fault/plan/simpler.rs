//! [`Plan::simplifications`]: the plans that are one step simpler.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Entry, Order, Plan};
use crate::fault::kind::Fault;
use crate::fault::observable::Observable;
use crate::fault::point::{Point, Site};

/// The shortest length that a stall or a delay is cut to.
const SHORTEST: Duration = Duration::from_millis(1);

impl Plan {
    /// The plans that are one step simpler than this one, those that save most first. No simplification of a plan that
    /// an exploration reports fails the same way.
    ///
    /// The steps, in this order: one fault less; a crash becomes the failure of the attempt, where its point has one, and a
    /// worker that dies with its task a failure at the attempt's first wait, and a deploy to one worker one to all; a fault
    /// strikes earlier (a lower number of the same kind of site, an earlier attempt, run or execution); a thing comes
    /// in the workflow task of another rather than in the next (`next_task` becomes `behind`), or behind an earlier thing;
    /// a stall or a delay is shorter (half, or a round length below it, at least 1 ms), a slow attempt is faster; seed 0;
    /// ready tasks in the order in which they became ready.
    ///
    /// Each step makes one of these smaller and none larger: the number of faults, of crashes, the numbers of the points and
    /// of what is waited for, the waits for a next task, the lengths, the seed, the freedom of the order. So no chain of steps
    /// goes on for ever, and a plan without faults, with seed 0 and `fifo`, has none.
    ///
    /// ```
    /// use durasim::fault::Plan;
    /// let plan: Plan = "copy#1@1:await2=crash".parse()?;
    /// let simpler: Vec<String> = plan.simplifications().iter().map(ToString::to_string).collect();
    /// assert_eq!(
    ///     simpler,
    ///     [
    ///         "v1 seed=0 order=fifo",
    ///         "v1 seed=0 order=fifo; copy#1@1:await2=fail",
    ///         "v1 seed=0 order=fifo; copy#1@1:await1=crash",
    ///     ]
    /// );
    /// # Ok::<_, durasim::fault::PlanError>(())
    /// ```
    pub fn simplifications(&self) -> Vec<Plan> {
        self.simpler().collect()
    }

    /// The [simplifications](Plan::simplifications), each made when it is asked for: of a plan of many faults there are as
    /// many, each with as many faults.
    pub(crate) fn simpler(&self) -> impl Iterator<Item = Plan> {
        let without = (0..self.entries.len()).rev().map(|index| {
            let mut plan = self.clone();
            plan.entries.remove(index);
            plan
        });
        // A point has at most one fault, so none is moved to the point of another.
        let taken: BTreeSet<&Point> = self.entries.iter().map(|entry| &entry.point).collect();
        let steps: [fn(&Entry) -> Vec<Entry>; 4] = [softer, earlier, sooner, shorter];
        let changed = steps.into_iter().flat_map(|step| {
            self.entries
                .iter()
                .enumerate()
                .flat_map(move |(index, entry)| step(entry).into_iter().map(move |changed| (index, entry, changed)))
        });
        let changed =
            changed.filter(move |(_, entry, changed)| changed.point == entry.point || !taken.contains(&changed.point));
        let changed = changed.map(|(index, _, changed)| {
            let mut plan = self.clone();
            plan.entries[index] = changed;
            plan
        });
        let first_seed = (self.seed != 0).then(|| self.clone().with_seed(0));
        let fifo = (self.order != Order::Fifo).then(|| self.clone().with_order(Order::Fifo));
        without.chain(changed).chain(first_seed).chain(fifo)
    }
}

/// Makes the code fail instead of the process, where the point has such a fault: one thing goes wrong, not all that the
/// worker hosts.
fn softer(entry: &Entry) -> Vec<Entry> {
    let fault = match (entry.fault, entry.point.site) {
        (Fault::Crash | Fault::CrashAttempt, Site::Await(_)) => Fault::Fail,
        // The story of a worker that dies with the task is a timeout, far from the code: a failure is near to it.
        (Fault::WorkerDies, Site::Dispatch) => {
            let point = Point { site: Site::Await(1), ..entry.point.clone() };
            return vec![Entry::new(point, Fault::Fail)];
        }
        // All workers at once, with a single version after it, are simpler than one of them.
        (Fault::Deploy(Some(_)) | Fault::Rollback(Some(_)), _) => entry.fault.with_worker(None),
        (Fault::CrashBefore, Site::Effect(_)) => Fault::FailUnapplied,
        (Fault::CrashAfter, Site::Effect(_)) => Fault::FailApplied,
        _ => return Vec::new(),
    };
    vec![Entry::new(entry.point.clone(), fault)]
}

/// Moves the same fault to an earlier site of its kind, an earlier attempt, an earlier run, or an earlier execution.
fn earlier(entry: &Entry) -> Vec<Entry> {
    let mut points = Vec::new();
    for site in entry.point.site.number().into_iter().flat_map(below) {
        let mut point = entry.point.clone();
        point.site = entry.point.site.with_number(site);
        points.push(point);
    }
    for attempt in entry.point.attempt.into_iter().flat_map(below) {
        let mut point = entry.point.clone();
        point.attempt = Some(attempt);
        points.push(point);
    }
    // The first run of a workflow goes without saying.
    for run in entry.point.run.into_iter().flat_map(below) {
        let mut point = entry.point.clone();
        point.run = (run > 1).then_some(run);
        points.push(point);
    }
    for execution in below(entry.point.execution) {
        let mut point = entry.point.clone();
        point.execution = execution;
        points.push(point);
    }
    points.retain(|point| entry.fault.waits_for().is_none_or(|other| Observable::at(point.site) != Some(other)));
    points.into_iter().map(|point| Entry::new(point, entry.fault)).collect()
}

/// Lets the same thing wait for less: in the same task rather than in the next, or for an earlier thing.
fn sooner(entry: &Entry) -> Vec<Entry> {
    let Some(other) = entry.fault.waits_for() else { return Vec::new() };
    let same_task = matches!(entry.fault, Fault::NextTask(_)).then_some(Fault::Behind(other));
    let others = below(other.number()).into_iter().map(|number| other.with_number(number));
    let others = others.filter(|other| Observable::at(entry.point.site) != Some(*other));
    let faults = same_task.into_iter().chain(others.map(|other| entry.fault.behind(other)));
    faults.map(|fault| Entry::new(entry.point.clone(), fault)).collect()
}

/// Lower counts to try, lowest first: 1, then each half as far away as the one before, down to one less.
fn below(count: u32) -> Vec<u32> {
    let mut lower = vec![1];
    let mut distance = count / 2;
    while distance > 0 {
        lower.push(count - distance);
        distance /= 2;
    }
    lower.dedup();
    lower.retain(|lower| (1..count).contains(lower));
    lower
}

/// Makes the same fault half as long, then of round lengths below that: to one digit, two, three, and so on.
fn shorter(entry: &Entry) -> Vec<Entry> {
    if let Some(factor) = entry.fault.factor() {
        let faster = below(factor).into_iter().filter(|faster| *faster >= 2);
        return faster.map(|faster| Entry::new(entry.point.clone(), Fault::Slow(faster))).collect();
    }
    let Some(length) = entry.fault.length() else { return Vec::new() };
    let millis = length.as_millis();
    let mut lengths = vec![millis / 2];
    let digits = millis.checked_ilog10().unwrap_or(0);
    for zeros in (0..=digits).rev() {
        lengths.push(millis / 10_u128.pow(zeros) * 10_u128.pow(zeros));
    }
    lengths.dedup();
    let mut entries = Vec::new();
    for shorter in lengths {
        if let Some(shorter) = duration(shorter)
            && (SHORTEST..length).contains(&shorter)
        {
            entries.push(Entry::new(entry.point.clone(), entry.fault.with_length(shorter)));
        }
    }
    entries
}

/// A plan's text may hold lengths whose milliseconds do not fit a `u64`.
fn duration(millis: u128) -> Option<Duration> {
    let seconds = u64::try_from(millis / 1_000).ok()?;
    Some(Duration::new(seconds, (millis % 1_000) as u32 * 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simpler(plan: &str) -> Vec<String> {
        let plan: Plan = plan.parse().unwrap();
        let entries = |plan: &Plan| plan.entries.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        plan.simplifications().iter().map(entries).collect()
    }

    #[test]
    fn a_crash_becomes_the_failure_that_its_point_has() {
        assert!(simpler("a#1@1:await1=crash").contains(&"a#1@1:await1=fail".to_owned()));
        assert!(simpler("a#1@1:await1=crash_attempt").contains(&"a#1@1:await1=fail".to_owned()));
        assert_eq!(simpler("a#1@1:effect1=crash_before"), ["", "a#1@1:effect1=fail_unapplied"]);
        assert_eq!(simpler("a#1@1:effect1=crash_after"), ["", "a#1@1:effect1=fail_applied"]);
        assert_eq!(simpler("a#1@1:heartbeat1=crash_before"), [""]);
        assert_eq!(simpler("a#1@1:completion=crash"), [""]);
        assert_eq!(simpler("w#1:task1=crash"), [""]);
        assert_eq!(simpler("a#1@1:dispatch=worker_dies"), ["", "a#1@1:await1=fail"]);
        assert_eq!(simpler("a#1@1:dispatch=cancel"), [""]);
        assert_eq!(simpler("w#1:task1=deploy(2)"), ["", "w#1:task1=deploy"]);
        assert_eq!(simpler("a#1@1:dispatch=rollback"), [""]);
    }

    #[test]
    fn earlier_goes_through_the_whole_point() {
        assert_eq!(
            simpler("a#2@3:await6=fail"),
            [
                "",
                "a#2@3:await1=fail",
                "a#2@3:await3=fail",
                "a#2@3:await5=fail",
                "a#2@1:await6=fail",
                "a#2@2:await6=fail",
                "a#1@3:await6=fail"
            ]
        );
    }

    #[test]
    fn an_earlier_run_is_simpler_and_the_first_goes_without_saying() {
        let earlier = ["", "w#1@3:task1=evicted", "w#1:task2=evicted", "w#1@2:task2=evicted"];
        assert_eq!(simpler("w#1@3:task2=evicted"), earlier);
        let earlier = ["", "a#1@1:await1=fail"];
        assert_eq!(simpler("/2:a#1@1:await1=fail"), earlier);
        assert_eq!(simpler("w/2:a#1@1:completion=cancel"), ["", "w:a#1@1:completion=cancel"]);
    }

    #[test]
    fn lengths_are_halved_and_rounded_down() {
        assert_eq!(
            simpler("a#1@1:await1=stall(36421ms)"),
            [
                "",
                "a#1@1:await1=stall(18210ms)",
                "a#1@1:await1=stall(30s)",
                "a#1@1:await1=stall(36s)",
                "a#1@1:await1=stall(36400ms)",
                "a#1@1:await1=stall(36420ms)"
            ]
        );
        assert_eq!(simpler("a#1@1:await1=stall(1ms)"), [""]);
        assert_eq!(
            simpler("a#1@1:dispatch=slow(9)"),
            ["", "a#1@1:dispatch=slow(5)", "a#1@1:dispatch=slow(7)", "a#1@1:dispatch=slow(8)"]
        );
        assert_eq!(simpler("a#1@1:await1=stall(1500us)"), ["", "a#1@1:await1=stall(1ms)"]);
        assert_eq!(simpler("a#1@1:await1=stall(20ns)"), [""]);
        assert!(!simpler("a#1@1:await1=stall(18446744073709551615999999999ns)").is_empty());
    }

    #[test]
    fn an_order_comes_nearer() {
        assert_eq!(
            simpler("a#1@1:completion=next_task(timer4)"),
            [
                "",
                "a#1@1:completion=behind(timer4)",
                "a#1@1:completion=next_task(timer1)",
                "a#1@1:completion=next_task(timer2)",
                "a#1@1:completion=next_task(timer3)"
            ]
        );
        assert_eq!(simpler("m#1:timer2=behind(timer1)"), [""]);
        assert_eq!(simpler("m#1:timer1=behind(timer2)"), [""]);
        assert_eq!(simpler("m#1:signal1=behind(cancel)"), [""]);
    }

    #[test]
    fn a_fault_is_not_moved_onto_another() {
        assert!(!simpler("a#1@1:await1=fail; a#1@1:await2=stop").contains(&"a#1@1:await1=stop".to_owned()));
    }

    #[test]
    fn no_fault_no_step() {
        assert_eq!(Plan::none().simplifications(), []);
    }

    /// The measures of which every step makes one smaller; see [`Plan::simplifications`].
    fn measure(plan: &Plan) -> [u128; 9] {
        let is_crash = |entry: &&Entry| {
            matches!(
                entry.fault,
                Fault::Crash | Fault::CrashAttempt | Fault::CrashBefore | Fault::CrashAfter | Fault::CrashAfterSent
            )
        };
        let sum = |of: &dyn Fn(&Entry) -> u128| plan.entries.iter().map(of).sum();
        [
            plan.entries.len() as u128,
            plan.entries.iter().filter(is_crash).count() as u128,
            sum(&|entry| {
                let point = &entry.point;
                let run = point.run.unwrap_or(1);
                let numbers = [point.execution, run, point.attempt.unwrap_or(0), point.site.number().unwrap_or(0)];
                numbers.into_iter().map(u128::from).sum()
            }),
            sum(&|entry| entry.fault.waits_for().map_or(0, |other| other.number().into())),
            sum(&|entry| u128::from(matches!(entry.fault, Fault::NextTask(_)))),
            sum(&|entry| entry.fault.length().map_or(0, |length| length.as_nanos())),
            sum(&|entry| entry.fault.factor().map_or(0, u128::from)),
            u128::from(plan.seed != 0),
            u128::from(plan.order != Order::Fifo),
        ]
    }

    /// All simplifications would be 20,000 plans of as many faults.
    #[test]
    fn a_simpler_plan_is_made_when_it_is_asked_for() {
        let entry = |timer: u32| format!("w#1:timer{timer}=cancel").parse::<Entry>().unwrap();
        let plan = Plan::new((1..=20_000).map(entry).collect());
        let simpler = plan.simpler().nth(2).unwrap();
        assert_eq!((simpler.entries.len(), simpler.entries.last()), (19_999, plan.entries.last()));
    }

    #[test]
    fn every_step_makes_something_smaller_and_nothing_larger() {
        let mut plan: Plan = "v1 seed=9 order=random; a#3@2:await37=crash; a#1@5:heartbeat9=delayed(90001ms); \
                              a#1@2:effect4=crash_after; w#2:task7=late(12345us); w#1:signal3=duplicated; \
                              w#1@7:timer9=next_task(activity7); w#1@2:message3=delayed(60s); w#1:child_end2=behind(child4)"
            .parse()
            .unwrap();
        // This is a long way down, by another step each time.
        let mut steps = 0;
        loop {
            let simpler = plan.simplifications();
            for simpler in &simpler {
                let (small, large) = (measure(simpler), measure(&plan));
                let down = small.iter().zip(&large).filter(|(small, large)| small < large).count();
                let up = small.iter().zip(&large).any(|(small, large)| small > large);
                assert!(down >= 1 && !up, "`{simpler}` is not simpler than `{plan}`");
            }
            let Some(next) = simpler.into_iter().rev().cycle().nth(steps % 7) else { break };
            plan = next;
            steps += 1;
        }
        assert!(steps > 20, "{steps}");
        assert_eq!(plan, Plan::none());
    }
}
