//! Of an attempt with more than 200 awaits a sample is tried, and that is said aloud.

use durasim::check;

use super::{resilient, simulation};

#[test]
fn few_awaits_are_all_tried() {
    let report = simulation(resilient()).explore("work", &20u32).every_fault().check(check::same_result()).report();
    assert!(report.holds());
    assert_eq!(report.parts()[1].sampled, None);
    assert!(report.to_string().contains("every fault:") && !report.to_string().contains("sampled"), "{report}");
}

#[test]
fn of_many_a_sample_is_tried() {
    let report = simulation(resilient()).explore("work", &250u32).every_fault().check(check::same_result()).report();
    assert!(report.holds(), "{}", report.failures()[0].text);
    let part = &report.parts()[1];
    let (tried, points) = part.sampled.expect("250 awaits are sampled");
    // Awaits, heartbeats, deadlines; dispatch, completion and workflow tasks besides.
    assert!(points >= 3 * 250 && tried < points && tried > 3 * 100, "{tried} of {points}");
    assert!(part.tally.runs > tried, "{} runs", part.tally.runs);
    let text = report.to_string();
    assert!(text.contains(&format!("{tried} of {points} points (sampled)")) && !text.contains("every"), "{text}");
}
