//! [`Report`]: the agreements, group by group, and the disagreements.

use std::collections::BTreeMap;
use std::fmt;

use crate::exceptions::{EXCEPTIONS, Exception};
use crate::recording::scenario::Scenario;
use crate::recordings::Verdict;
use crate::rules::Rules;

#[derive(Default)]
struct Group {
    agree: usize,
    of: usize,
    unsupported: usize,
}

pub struct Report {
    known: &'static [Exception],
    groups: BTreeMap<String, Group>,
    rules: Option<Group>,
    /// The disagreements, each as `scenario: field: expected .. found ..`.
    pub disagreements: Vec<String>,
    /// Races that came out otherwise than recorded, which proves nothing, with what they are about.
    races: Vec<String>,
    /// The scenarios that cannot agree, with the reasons.
    exceptions: Vec<String>,
    /// The scenarios that agree once their surroundings act at the recorded times.
    paced: Vec<String>,
    /// The scenarios by the things that they need.
    not_covered: BTreeMap<String, Vec<String>>,
}

impl Default for Report {
    fn default() -> Report {
        Report::with(EXCEPTIONS)
    }
}

impl Report {
    /// Makes a report that knows these exceptions.
    fn with(known: &'static [Exception]) -> Report {
        Report {
            known,
            groups: BTreeMap::new(),
            rules: None,
            disagreements: Vec::new(),
            races: Vec::new(),
            exceptions: Vec::new(),
            paced: Vec::new(),
            not_covered: BTreeMap::new(),
        }
    }

    pub fn add(&mut self, scenario: &Scenario, verdict: Verdict) {
        let group = self.groups.entry(scenario.group.clone()).or_default();
        group.of += 1;
        let name = &scenario.name;
        let exception = self.known.iter().find(|(known, _)| known == name).map(|(_, reason)| *reason);
        if let (Verdict::Agrees | Verdict::AgreesAtItsPace, Some(_)) = (&verdict, exception) {
            self.disagreements.push(format!("{name}: all: expected an exception found none: take it off the list"));
        }
        match verdict {
            Verdict::Agrees => group.agree += 1,
            Verdict::AgreesAtItsPace => {
                group.agree += 1;
                self.paced.push(name.clone());
            }
            Verdict::NotCovered(needed) => {
                group.unsupported += 1;
                self.not_covered.entry(needed).or_default().push(name.clone());
            }
            Verdict::Disagrees(_) if scenario.is_race => self.races.push(format!("{name}: {}", scenario.title)),
            Verdict::Disagrees(_) if exception.is_some() => {
                self.exceptions.push(format!("{name}: {}", exception.unwrap_or_default()));
            }
            Verdict::Disagrees(lines) => {
                self.disagreements.extend(lines.iter().map(|line| format!("{name}: {line}")));
            }
        }
    }

    pub fn add_rules(&mut self, rules: &Rules) {
        let unsupported = rules.gaps.len();
        let agree = rules.judged - rules.failed.len() - unsupported;
        self.rules = Some(Group { agree, of: rules.judged, unsupported });
        for gap in &rules.gaps {
            let (row, what) = gap.split_once(": ").unwrap_or((gap, ""));
            self.not_covered.entry(what.to_owned()).or_default().push(row.to_owned());
        }
        self.disagreements.extend(rules.failed.iter().flatten().cloned());
    }

    /// Gives the figures, and the reasons for those that are not complete, without fields of single scenarios.
    pub fn summary(&self) -> String {
        let mut text = format!("{}\nnot covered yet, by what they need:\n", self.lines());
        for (needed, names) in &self.not_covered {
            text += &format!("- {needed}: {}\n", names.join(", "));
        }
        text += "\nagree with hand-overs and calls at their recorded times, since nominally these decide otherwise:\n";
        for line in &self.paced {
            text += &format!("- {line}\n");
        }
        text += "\ncannot agree, and why:\n";
        for line in &self.exceptions {
            text += &format!("- {line}\n");
        }
        text += "\nraces on the real server that come out otherwise here:\n";
        for line in &self.races {
            text += &format!("- {line}\n");
        }
        text
    }

    /// One line for each group: the scenarios that agree, of all, and those that cannot be played.
    fn lines(&self) -> String {
        let rules = self.rules.iter().map(|group| ("rules", group));
        let groups = self.groups.iter().map(|(name, group)| (name.as_str(), group)).chain(rules);
        let line = |(name, group): (&str, &Group)| {
            let Group { agree, of, unsupported } = group;
            format!("{name}: {agree}/{of}, unsupported {unsupported}\n")
        };
        groups.map(line).collect()
    }
}

/// Writes all of it, the lines of the groups last.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (needed, names) in &self.not_covered {
            for name in names {
                writeln!(f, "{name}: not covered: needs {needed}")?;
            }
        }
        for line in &self.paced {
            writeln!(f, "{line}: agrees with hand-overs and calls at their recorded times")?;
        }
        for line in &self.exceptions {
            writeln!(f, "{line}")?;
        }
        for line in &self.races {
            writeln!(f, "{line}: not judged: a race on the real server, which came out otherwise here")?;
        }
        for line in &self.disagreements {
            writeln!(f, "{line}")?;
        }
        f.write_str(&self.lines())
    }
}

#[test]
fn an_exception_that_agrees_has_to_leave() {
    let scenario = |name: &str| Scenario {
        name: name.to_owned(),
        group: "g".to_owned(),
        title: String::new(),
        is_race: false,
        is_slow: true,
        definition: serde_json::Value::Null,
        observed: serde_json::Value::Null,
    };
    let judged = |name: &str, verdict: Verdict| {
        let mut report = Report::with(&[("named", "a reason")]);
        report.add(&scenario(name), verdict);
        report.disagreements.len()
    };
    let differs = || Verdict::Disagrees(vec!["a field".to_owned()]);
    assert_eq!([judged("named", Verdict::Agrees), judged("named", Verdict::AgreesAtItsPace)], [1, 1]);
    assert_eq!(
        [judged("named", differs()), judged("another", differs()), judged("another", Verdict::Agrees)],
        [0, 1, 0]
    );
}
