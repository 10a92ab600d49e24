//! [`Group`]: checks that fail for one cause are one failure.

use super::failed::Failed;
use super::report::Report;
use crate::program::Counted;

/// Failures of one cause: the smallest plan of one shows the other, too, or the same event proves them first.
#[derive(Clone, Debug)]
pub(super) struct Group<'a> {
    /// The most telling one.
    pub(super) first: &'a Failed,
    others: Vec<&'a Failed>,
}

impl<'a> Group<'a> {
    /// The failures of a report, grouped, with the most telling one of each group first. Groups stay in the order in which they
    /// were found.
    pub(super) fn of(report: &'a Report) -> Vec<Group<'a>> {
        let mut groups: Vec<Vec<&Failed>> = Vec::new();
        for failed in report.failures() {
            match groups.iter_mut().find(|group| group.iter().any(|other| has_same_cause(failed, other))) {
                Some(group) => group.push(failed),
                None => groups.push(vec![failed]),
            }
        }
        let mut told = Vec::new();
        for mut group in groups {
            // A stable sort: of checks that tell as much, the one that was found first.
            group.sort_by_key(|failed| failed.finding.is_general);
            let others = group.split_off(1);
            told.extend(group.first().map(|first| Group { first, others }));
        }
        told
    }

    /// `2 more checks fail: progress, same_result`, if there are more.
    pub(super) fn also(&self, rest: &[&str]) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for name in self.others.iter().map(|failed| &*failed.check).chain(rest.iter().copied()) {
            if name != self.first.check && !names.contains(&name) {
                names.push(name);
            }
        }
        let verb = if names.len() == 1 { "fails" } else { "fail" };
        (!names.is_empty()).then(|| format!("{} {verb}: {}", Counted(names.len(), "more check"), names.join(", ")))
    }
}

fn has_same_cause(one: &Failed, other: &Failed) -> bool {
    let events = [one, other].map(|failed| failed.message.first_proof());
    one.shows(other) || other.shows(one) || events[0].is_some() && events[0] == events[1]
}
