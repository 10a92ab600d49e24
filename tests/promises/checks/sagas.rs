//! `kept_or_undone` names what is wrong with a saga, also where one activity type both does and undoes.

use std::time::Duration;

use durasim::check::KeptOrUndone;
use durasim::explore::Report;
use durasim::{
    ActivityContext, ActivityError, ActivityOptions, Exploration, Ledger, RetryPolicy, Run, Simulation, Time,
    WorkflowContext, WorkflowError, check,
};

#[derive(Default)]
struct Hotel {
    booked: Ledger<String>,
    undone: Ledger<String>,
}

/// The mistakes of a trip; none is the default.
#[derive(Clone, Copy, Default)]
struct Trip {
    books_again: bool,
    undoes_in_a_retry: bool,
    skips_in_a_retry: bool,
    undoes_twice: bool,
    never_undoes: bool,
    undo_fails: bool,
    /// The result is the number of attempts.
    counts_attempts: bool,
    /// The input of a booking has the time.
    has_the_time: bool,
}

/// One activity books, and undoes all that is booked. It waits before that and after it, and is tried twice.
fn trip(trip: Trip) -> Exploration {
    let call = async move |ctx: &ActivityContext,
                           (verb, room, _): (String, String, u64)|
                -> Result<u32, ActivityError> {
        let (hotel, attempt) = (durasim::state::<Hotel>(), ctx.get_info().attempt);
        durasim::time::sleep(Duration::from_secs(5)).await;
        if verb == "book" {
            let skips = trip.skips_in_a_retry && attempt > 1;
            if !skips && (trip.books_again || hotel.booked.count(&room) == 0) {
                hotel.booked.record(room.clone());
            }
            if trip.undoes_in_a_retry && attempt > 1 {
                hotel.undone.record(room);
            }
        } else if trip.undo_fails {
            return Err(ActivityError::non_retryable("the hotel is closed"));
        } else {
            for room in ["single", "double"].map(str::to_owned) {
                while hotel.undone.count(&room) < hotel.booked.count(&room) * if trip.undoes_twice { 2 } else { 1 } {
                    hotel.undone.record(room.clone());
                }
            }
        }
        durasim::time::sleep(Duration::from_secs(5)).await;
        Ok(attempt)
    };
    let main = async move |ctx: &WorkflowContext, (): ()| -> Result<u32, WorkflowError> {
        let options = || ActivityOptions {
            start_to_close_timeout: Duration::from_secs(60),
            retry_policy: Some(RetryPolicy { maximum_attempts: 2, ..Default::default() }),
            ..Default::default()
        };
        let mut attempts = 0;
        for room in ["single", "double"] {
            let time = if trip.has_the_time { (ctx.now() - Time::ZERO).as_secs() } else { 0 };
            match ctx.execute_activity::<u32>("call", &("book", room, time), options()).await {
                Ok(attempt) => attempts += attempt,
                Err(error) => {
                    if !trip.never_undoes {
                        let undo = ("undo", "all", 0u64);
                        let _ = ctx.detached().execute_activity::<u32>("call", &undo, options()).await;
                    }
                    return Err(error);
                }
            }
        }
        Ok(if trip.counts_attempts { attempts } else { 0 })
    };
    let simulation = Simulation::temporal().activity("call", call).workflow("main", main).state(Hotel::default);
    simulation.explore("main", &()).without_standard_checks()
}

fn kept_or_undone() -> KeptOrUndone<Hotel, String> {
    check::kept_or_undone(|hotel: &Hotel| &hotel.booked, |hotel: &Hotel| &hotel.undone)
}

fn under(plan: &str, way: Trip, check: KeptOrUndone<Hotel, String>) -> Report {
    trip(way).check(check).replay(&plan.parse().unwrap())
}

#[track_caller]
fn holds(plan: &str, way: Trip) -> u64 {
    let report = under(plan, way, kept_or_undone());
    assert!(report.holds(), "{report}");
    report.parts().iter().filter_map(|part| part.tally.judged.get("kept_or_undone")).sum()
}

/// The kind, the message, and what was expected and found.
#[track_caller]
fn violates(plan: &str, way: Trip) -> (String, String, String) {
    let report = under(plan, way, kept_or_undone());
    assert!(report.error().is_none(), "{report}");
    let violation = &report.failures().first().unwrap_or_else(|| panic!("{report}")).violation;
    let (expected, found) = (violation.expected.as_deref(), violation.found.as_deref());
    let compared = format!("{}; {}", expected.unwrap_or_default(), found.unwrap_or_default());
    (violation.kind.clone(), violation.message.clone(), compared)
}

fn words(kind: &str, message: &str, compared: &str) -> (String, String, String) {
    (kind.to_owned(), message.to_owned(), compared.to_owned())
}

/// The second booking fails in both its attempts, before it books.
const GIVEN_UP: &str = "call#2@1:await1=fail; call#2@2:await1=fail";

/// The first booking fails once, after it has booked.
const RETRIED: &str = "call#1@1:await2=fail";

#[test]
fn each_mistake_has_its_words() {
    let right = Trip::default();
    assert_eq!([holds(GIVEN_UP, right), holds(RETRIED, right)], [1, 1]);
    let not_undone = words(
        "not undone",
        "\"single\" of `Hotel` is done and not undone, though the run does not end as without faults",
        "as often undone as done; done 1 time, undone 0 times",
    );
    assert_eq!(violates(GIVEN_UP, Trip { never_undoes: true, ..right }), not_undone);
    assert_eq!(violates(GIVEN_UP, Trip { undo_fails: true, ..right }), not_undone);
    let too_often = words(
        "undone too often",
        "\"single\" of `Hotel` is undone more often than it was done",
        "as often undone as done; done 1 time, undone 2 times",
    );
    assert_eq!(violates(GIVEN_UP, Trip { undoes_twice: true, ..right }), too_often);
    let again =
        words("done too often", "\"single\" of `Hotel` is done too often", "kept 1 time; done 2 times, undone 0 times");
    assert_eq!(violates(RETRIED, Trip { books_again: true, ..right }), again);
    let undone = words(
        "undone",
        "\"single\" of `Hotel` is undone, though the run ends as without faults",
        "kept 1 time; done 1 time, undone 1 time",
    );
    assert_eq!(violates(RETRIED, Trip { undoes_in_a_retry: true, ..right }), undone);
    let lost = words("lost", "\"single\" of `Hotel` is not done", "kept 1 time; never done");
    assert_eq!(violates("call#1@1:await1=fail", Trip { skips_in_a_retry: true, ..right }), lost);
}

#[test]
fn an_undo_that_faults_keep_from_its_work_is_not_judged() {
    // The undo is the third call of the one activity type.
    let undo_is_given_up = format!("{GIVEN_UP}; call#3@1:await1=fail; call#3@2:await1=fail");
    assert_eq!(holds(&undo_is_given_up, Trip::default()), 0);
    // A booking is no undo, though the time in its input is another than without faults.
    let late = format!("call#1@1:await1=fail; {GIVEN_UP}");
    let way = Trip { never_undoes: true, has_the_time: true, ..Trip::default() };
    assert_eq!(violates(&late, way).0, "not undone");
}

#[test]
fn another_end_in_which_all_is_kept_can_be_named() {
    let way = Trip { counts_attempts: true, ..Trip::default() };
    assert_eq!(violates(RETRIED, way).0, "not undone");
    let completes = |run: &Run| run.result::<u32>().is_ok();
    for check in [kept_or_undone().kept_if(completes), kept_or_undone().kept_if(completes).kept_if(|_| false)] {
        let report = under(RETRIED, way, check);
        assert!(report.holds(), "{report}");
    }
    assert!(!under(RETRIED, way, kept_or_undone().kept_if(|_| false)).holds());
    // What is kept is then as much as without faults.
    let again = Trip { books_again: true, ..way };
    let report = under(RETRIED, again, kept_or_undone().kept_if(completes));
    assert_eq!(report.failures()[0].violation.kind, "done too often", "{report}");
}

#[test]
fn one_ledger_given_twice_can_show_nothing() {
    let same = check::kept_or_undone(|hotel: &Hotel| &hotel.booked, |hotel: &Hotel| &hotel.booked);
    let error = under(RETRIED, Trip::default(), same).error().expect("an error").to_string();
    assert!(error.contains("both its ledgers are the same one"), "{error}");
}
