//! A plan's text is the plan: whatever the names, it is read back as the same plan, and fits between single quotes.

use std::sync::Arc;
use std::time::Duration;

use durasim::fault::{Entry, Fault, Order, Plan, Point, Site};
use proptest::collection::vec;
use proptest::prelude::*;

/// Names as people write them, names that look like parts of a plan, and any characters at all.
fn name() -> impl Strategy<Value = Arc<str>> {
    let tricky: &[&str] =
        &["", "v1", "seed", "2", "/", "a/2", "a/", "a::b", "a:b", "::", "a#1@1", "it's", "\\", "\"", ";", " ", "\n"];
    prop_oneof![
        "[a-z][a-z_]{0,12}".prop_map(Arc::from),
        proptest::sample::select(tricky).prop_map(Arc::from),
        "[a-z0-9/:;#@='\" \\\\-]{0,6}".prop_map(Arc::from),
        any::<String>().prop_map(Arc::from),
    ]
}

fn count() -> impl Strategy<Value = u32> {
    prop_oneof![1..5_u32, 1..=u32::MAX]
}

fn length() -> impl Strategy<Value = Duration> {
    let rounded =
        (0..100_000_u64, 0..4_u32).prop_map(|(n, thousands)| Duration::from_nanos(n * 1000_u64.pow(thousands)));
    prop_oneof![rounded, any::<Duration>(), Just(Duration::MAX)]
}

fn site() -> impl Strategy<Value = Site> {
    prop_oneof![
        Just(Site::Dispatch),
        count().prop_map(Site::Await),
        count().prop_map(Site::Effect),
        count().prop_map(Site::Heartbeat),
        count().prop_map(Site::Deadline),
        Just(Site::Completion),
        Just(Site::Backoff),
        count().prop_map(Site::Task),
        count().prop_map(Site::Signal),
        count().prop_map(Site::Timer),
        count().prop_map(Site::Child),
        count().prop_map(Site::ChildEnd),
        count().prop_map(Site::Message),
        count().prop_map(Site::Update),
        count().prop_map(Site::UpdateEnd),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    let plain = [
        Fault::Crash,
        Fault::CrashAttempt,
        Fault::CrashBefore,
        Fault::CrashAfter,
        Fault::CrashAfterSent,
        Fault::CrashAfterUnsent,
        Fault::Fail,
        Fault::FailUnapplied,
        Fault::FailApplied,
        Fault::Cancel,
        Fault::Duplicated,
        Fault::Stop,
        Fault::RequestLost,
        Fault::AnswerLost,
        Fault::WorkerDies,
        Fault::WorkerGone,
        Fault::DeadlineAt,
        Fault::DeadlineAtLate,
        Fault::CompletionLost,
        Fault::Evicted,
    ];
    prop_oneof![
        4 => proptest::sample::select(plain.to_vec()),
        1 => length().prop_map(Fault::Stall),
        1 => length().prop_map(Fault::Freeze),
        1 => length().prop_map(Fault::Delayed),
        1 => length().prop_map(Fault::DeadlineBefore),
        1 => length().prop_map(Fault::DeadlineAfter),
    ]
}

fn entry() -> impl Strategy<Value = Entry> {
    let place = (proptest::option::of(name()), proptest::option::of(count()), name(), count(), count());
    let what = (site(), fault()).prop_filter("fits", |(site, fault)| fault.fits(*site));
    (place, what).prop_map(|((workflow_id, run, name, execution, attempt), (site, fault))| {
        let attempt = (!site.is_workflow()).then_some(attempt);
        Entry::new(Point { workflow_id, run, name, execution, attempt, site }, fault)
    })
}

fn plan() -> impl Strategy<Value = Plan> {
    let order = prop_oneof![Just(Order::Fifo), Just(Order::Random), (0u32..=2_048).prop_map(Order::Pct)];
    (any::<u64>(), order, proptest::option::of(name()), vec(entry(), 0..5)).prop_map(|(seed, order, name, entries)| {
        let mut plan = Plan::none().with_seed(seed).with_order(order);
        plan.exploration = name;
        for entry in entries {
            if plan.entries.iter().all(|other| other.point != entry.point) {
                plan.entries.push(entry);
            }
        }
        plan
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn is_read_back_as_the_same_plan(plan in plan()) {
        let text = plan.to_string();
        prop_assert!(!text.contains('\'') && !text.contains('\n'), "not for a shell: {text}");
        prop_assert_eq!(text.parse::<Plan>().unwrap_or_else(|error| panic!("{text}\n{error}")), plan);
    }

    #[test]
    fn an_entry_alone_too(entry in entry()) {
        prop_assert_eq!(&entry.to_string().parse::<Entry>().unwrap(), &entry);
        prop_assert!(!entry.words().to_string().contains("does not fit"));
    }

    #[test]
    fn any_text_is_refused_or_means_what_it_prints(text in "(v1 )?[a-z0-9#@:;=() /\"]{0,40}") {
        if let Ok(plan) = text.parse::<Plan>() {
            prop_assert_eq!(plan.to_string().parse::<Plan>().unwrap(), plan);
        }
    }
}

#[test]
fn what_a_failed_test_shows_of_a_plan_can_be_pasted() {
    let text = "v1 seed=7 order=random for=my_test; a#1@1:await1=crash; a#1@2:await2=stall(2s)";
    let plan: Plan = text.parse().unwrap();
    assert_eq!((format!("{plan:?}"), format!("{plan:#?}")), (text.to_owned(), text.to_owned()));
}
