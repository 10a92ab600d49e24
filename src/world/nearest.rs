//! The nearest points that a run comes to, for a plan with a point that it does not come to.

use std::collections::{BTreeMap, BTreeSet};

use super::error::RunError;
use crate::fault::{Entry, Point, Site};
use crate::trace::Trace;
use crate::trace::attempts::Executions;
use crate::trace::sites::every_point;

/// Points that are named for one that is missing.
const NAMED: usize = 3;

/// The error of a plan with an entry that did not strike.
pub(super) fn not_fired(trace: &Trace, executions: &Executions, entry: &Entry) -> RunError {
    let points = every_point(trace, executions);
    let missing = &entry.point;
    if points.contains(missing) {
        return RunError::PlanNotFired(format!(
            "the plan no longer applies: the run comes to `{missing}`, but `{}` cannot strike there{}",
            entry.fault,
            if matches!(missing.site, Site::Heartbeat(_)) { ": that heartbeat is not sent" } else { "" }
        ));
    }
    RunError::PlanNotFired(format!(
        "the plan no longer applies: the run does not come to `{missing}` (`{entry}` did not strike); {}",
        nearest(missing, &points)
    ))
}

/// Names the points that there are instead, with as much of the coordinate as possible.
fn nearest(missing: &Point, points: &[Point]) -> String {
    let number = |point: &Point| point.site.number().unwrap_or(0);
    let named: Vec<&Point> = points.iter().filter(|point| is_of(point, missing)).collect();
    if named.is_empty() {
        return nearest_name(missing, points);
    }
    let execution = those(&named, |point| point.execution == missing.execution);
    if execution.is_empty() {
        let executions = each_once(&named, |point| format!("`{}#{}`", shown(point), point.execution));
        return format!("of {} there {}", shown(missing), are(&executions));
    }
    let attempt = those(&execution, |point| point.attempt == missing.attempt);
    if attempt.is_empty() {
        let attempts = each_once(&execution, |point| point.attempt.unwrap_or(0).to_string());
        let same_site = those(&execution, |point| point.site == missing.site);
        let same_site = if same_site.is_empty() { String::new() } else { format!("; {}", points_words(&same_site)) };
        let (word, verb) = if attempts.len() == 1 { ("attempt", "is") } else { ("attempts", "are") };
        return format!(
            "the {word} of `{}#{}` {verb} {}{same_site}",
            shown(missing),
            missing.execution,
            attempts.join(", ")
        );
    }
    // Those of a workflow's own sites are of all its runs.
    let run = those(&attempt, |point| point.run == missing.run);
    let attempt = if run.is_empty() { attempt } else { run };
    let mut closest = those(&attempt, |point| point.site.kind() == missing.site.kind());
    closest.sort_by_key(|point| number(point).abs_diff(number(missing)));
    closest.truncate(NAMED);
    if !closest.is_empty() {
        return points_words(&closest);
    }
    let whose = match missing.attempt {
        Some(attempt) => format!("attempt {attempt} of `{}#{}`", shown(missing), missing.execution),
        None => format!("`{}#{}`", shown(missing), missing.execution),
    };
    format!("{whose} has {}", sites(&attempt))
}

fn those<'a>(points: &[&'a Point], wanted: impl Fn(&Point) -> bool) -> Vec<&'a Point> {
    points.iter().copied().filter(|point| wanted(point)).collect()
}

/// The names of the points, each once. Points of one name are neighbours.
fn each_once(points: &[&Point], name: impl Fn(&Point) -> String) -> Vec<String> {
    let mut names: Vec<String> = points.iter().map(|point| name(point)).collect();
    names.dedup();
    names
}

/// Says whether a point is of the same workflow and name, whatever the execution.
fn is_of(point: &Point, missing: &Point) -> bool {
    point.name == missing.name
        && point.site.is_workflow() == missing.site.is_workflow()
        && (point.site.is_workflow() || (&point.workflow_id, point.run) == (&missing.workflow_id, missing.run))
}

/// The name with the workflow it is of, as a plan spells it.
fn shown(point: &Point) -> String {
    let text = point.to_string();
    let site = text.rfind(':').map_or(text.as_str(), |colon| &text[..colon]);
    site.rfind('#').map_or(site, |hash| &site[..hash]).to_owned()
}

fn points_words(points: &[&Point]) -> String {
    let list = each_once(points, |point| format!("`{point}`"));
    match &list[..] {
        [one] => format!("the nearest point that it comes to is {one}"),
        _ => format!("the nearest points that it comes to are {}", list.join(", ")),
    }
}

/// The sites of one attempt or workflow, in short: `dispatch, await1 to await4, completion`.
fn sites(points: &[&Point]) -> String {
    let mut kinds: BTreeMap<u8, (Site, Site)> = BTreeMap::new();
    for point in points {
        let site = point.site;
        let (first, last) = kinds.entry(site.kind()).or_insert((site, site));
        (*first, *last) = (site.min(*first), site.max(*last));
    }
    let words = |(first, last): &(Site, Site)| {
        if first == last { first.to_string() } else { format!("{first} to {last}") }
    };
    kinds.values().map(words).collect::<Vec<_>>().join(", ")
}

/// For a name that nothing has: those that are spelled nearly so, else all.
fn nearest_name(missing: &Point, points: &[Point]) -> String {
    let of_workflow = missing.site.is_workflow();
    let names: BTreeSet<String> =
        points.iter().filter(|point| point.site.is_workflow() == of_workflow).map(shown).collect();
    let wanted = shown(missing);
    let near = (wanted.chars().count() / 2).clamp(1, 3);
    // Two letters in the wrong order are one mistake.
    let distances = names.iter().map(|name| (strsim::damerau_levenshtein(&wanted, name), name));
    let nearest = distances.filter(|(distance, _)| *distance <= near).min_by_key(|(distance, _)| *distance);
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let what = if of_workflow { "workflow" } else { "activity" };
    match nearest {
        Some((_, name)) => format!("there is no {what} `{wanted}`; is it `{name}`?"),
        None if list.is_empty() => format!("there is no {what} `{wanted}`, and no other"),
        None => format!("there is no {what} `{wanted}`; there {}", are(&list)),
    }
}

fn are(list: &[String]) -> String {
    format!("{} {}", if list.len() == 1 { "is" } else { "are" }, list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(text: &str) -> Point {
        // A fault that fits, so that it reads as an entry.
        let fault = if text.contains(":timer") {
            "cancel"
        } else if text.contains(":effect") {
            "crash_after"
        } else {
            "cancel"
        };
        format!("{text}={fault}").parse::<Entry>().unwrap().point
    }

    #[track_caller]
    fn instead(missing: &str, expected: &str) {
        let there = [
            "copy#1@1:dispatch",
            "copy#1@1:await1",
            "copy#1@1:await2",
            "copy#1@1:await3",
            "copy#1@1:await4",
            "copy#1@1:completion",
            "copy#1@2:dispatch",
            "copy#1@2:await1",
            "other:copy#1@1:await1",
            "delete#1@1:await1",
            "main#1:task1",
            "main#1:timer1",
        ];
        let there = there.map(point);
        assert_eq!(nearest(&point(missing), &there), expected);
    }

    #[test]
    fn as_much_as_possible_stays() {
        instead(
            "copy#1@1:await77",
            "the nearest points that it comes to are `copy#1@1:await4`, `copy#1@1:await3`, `copy#1@1:await2`",
        );
        instead("copy#1@2:await3", "the nearest point that it comes to is `copy#1@2:await1`");
        instead("copy#1@1:effect1", "attempt 1 of `copy#1` has dispatch, await1 to await4, completion");
        instead("copy#1@3:effect1", "the attempts of `copy#1` are 1, 2");
        instead(
            "copy#1@3:await1",
            "the attempts of `copy#1` are 1, 2; the nearest points that it comes to are `copy#1@1:await1`, `copy#1@2:await1`",
        );
        instead("copy#2@1:await1", "of copy there is `copy#1`");
        instead("main#1:timer2", "the nearest point that it comes to is `main#1:timer1`");
        instead("main#1:signal1", "`main#1` has task1, timer1");
    }

    #[test]
    fn attempts_come_in_the_order_of_their_numbers() {
        let there: Vec<Point> = (1..=11).map(|number| point(&format!("copy#1@{number}:await1"))).collect();
        let expected = "the attempts of `copy#1` are 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11";
        assert_eq!(nearest(&point("copy#1@12:effect1"), &there), expected);
    }

    #[test]
    fn a_name_that_is_not_there() {
        instead("cpoy#1@1:await1", "there is no activity `cpoy`; is it `copy`?");
        instead("deletes#1@1:await1", "there is no activity `deletes`; is it `delete`?");
        instead("move#1@1:await1", "there is no activity `move`; there are `copy`, `delete`, `other:copy`");
        instead("mian2#1:task1", "there is no workflow `mian2`; is it `main`?");
        instead("order#1:task1", "there is no workflow `order`; there is `main`");
        instead("mains#1:task1", "there is no workflow `mains`; is it `main`?");
        assert_eq!(nearest(&point("a#1@1:await1"), &[]), "there is no activity `a`, and no other");
    }
}
