//! The reading of plans and entries from their text. The grammar is in the documentation of [`Plan`].
//!
//! It is strict: a plan that is not quite right must not run as another plan, least of all as one without faults. Every
//! error names its place, and says what would be right there.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::coordinate::point;
use super::cursor::Cursor;
use super::header::{begins_with_header, header};
use super::length::{LONGEST, Length};
use crate::fault::{Entry, Fault, Observable, Plan, PlanError, Site, VERSION};

impl FromStr for Plan {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Plan, PlanError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_spaces();
        if cursor.at_end() {
            let problem = format!("the plan is empty; one without faults is `v{VERSION}`");
            return Err(cursor.error_here(problem));
        }
        let mut plan = if begins_with_header(&cursor) { header(&mut cursor)? } else { Plan::none() };
        // This holds the fault at each point that has one.
        let mut taken = BTreeMap::new();
        loop {
            cursor.skip_spaces();
            if cursor.at_end() {
                return Ok(plan);
            }
            let at = cursor.position();
            let entry = entry(&mut cursor)?;
            if let Some(first) = taken.insert(entry.point.clone(), entry.fault) {
                let problem =
                    format!("a second fault at {}, which has `{first}` already; a point takes one fault", entry.point);
                return Err(cursor.error(at, problem));
            }
            plan.entries.push(entry);
            cursor.skip_spaces();
            if !cursor.at_end() {
                cursor.expect(';', "before the next fault")?;
            }
        }
    }
}

impl FromStr for Entry {
    type Err = PlanError;

    fn from_str(text: &str) -> Result<Entry, PlanError> {
        let mut cursor = Cursor::new(text);
        cursor.skip_spaces();
        let entry = entry(&mut cursor)?;
        cursor.skip_spaces();
        if !cursor.at_end() {
            return Err(cursor.error_here(format!("expected the end after one fault, found {}", cursor.found())));
        }
        Ok(entry)
    }
}

fn entry(cursor: &mut Cursor<'_>) -> Result<Entry, PlanError> {
    let point = point(cursor)?;
    cursor.skip_spaces();
    cursor.expect('=', &format!("and a fault after {point}"))?;
    cursor.skip_spaces();
    let fault = fault(cursor, point.site)?;
    Ok(Entry { point, fault })
}

fn fault(cursor: &mut Cursor<'_>, site: Site) -> Result<Fault, PlanError> {
    let at = cursor.position();
    let word = cursor.word();
    let Some(&kind) = Fault::KINDS.iter().find(|kind| kind.keyword() == word) else {
        let found = if word.is_empty() { cursor.found() } else { format!("`{word}`") };
        return Err(cursor.error(at, format!("unknown fault {found}; at {site} fit {}", fitting(site))));
    };
    if !kind.fits(site) {
        return Err(cursor.error(at, format!("`{word}` does not fit {site}; there fit {}", fitting(site))));
    }
    if kind.waits_for().is_some() {
        return Ok(kind.behind(observable(cursor, word, site)?));
    }
    if kind.deploys().is_some() && cursor.peek() == Some('(') {
        let what = "the number of a worker, which are counted from 1";
        return Ok(kind.with_worker(Some(number(cursor, 1, what, &format!("{word}(1)"))?)));
    }
    if kind.factor().is_some() {
        if cursor.peek() != Some('(') {
            return Err(cursor.error_here(format!("`{word}` needs a number: `{word}(3)`")));
        }
        let what = "a number of times, of which there are at least 2";
        return Ok(Fault::Slow(number(cursor, 2, what, &format!("{word}(3)"))?));
    }
    match (kind.length().is_some(), cursor.peek() == Some('(')) {
        (false, false) => Ok(kind),
        (true, true) => {
            cursor.eat('(');
            let length_at = cursor.position();
            let digits = cursor.take_while(|c| c.is_ascii_digit());
            let unit = cursor.take_while(|c| !matches!(c, ')' | ';'));
            let Some(length) = Length::read(digits, unit) else {
                let problem = if !digits.is_empty() && Length::is_unit(unit) {
                    format!("`{digits}{unit}` is too long: the longest is {LONGEST}")
                } else {
                    format!(
                        "`{digits}{unit}` is not a length: it is digits and one of s, ms, us, ns, as in `{word}(2s)` or \
                         `{word}(1500ms)`"
                    )
                };
                return Err(cursor.error(length_at, problem));
            };
            cursor.expect(')', "after the length")?;
            Ok(kind.with_length(length))
        }
        (true, false) => Err(cursor.error_here(format!("`{word}` needs a length: `{word}(2s)`"))),
        (false, true) => Err(cursor.error_here(format!("`{word}` has no length"))),
    }
}

/// Reads the thing that a fault waits for, in brackets. `word` is the fault.
fn observable(cursor: &mut Cursor<'_>, word: &str, site: Site) -> Result<Observable, PlanError> {
    if !cursor.eat('(') {
        let problem = format!("`{word}` needs the thing that it waits for: `{word}(signal1)`");
        return Err(cursor.error_here(problem));
    }
    let at = cursor.position();
    let spelled = cursor.word();
    let name = spelled.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &spelled[name.len()..];
    let number = digits.parse().unwrap_or(0);
    let there = format!("there are {}, as in `{word}(signal1)`", Observable::SPELLINGS);
    let problem = match Observable::spelled(name, number) {
        Some(other) if !digits.starts_with('0') && Observable::at(site) == Some(other) => {
            format!("`{other}` cannot come behind itself")
        }
        Some(other) if !digits.starts_with('0') => {
            cursor.expect(')', "after the thing that it waits for")?;
            return Ok(other);
        }
        _ if name == "cancel" => format!("`cancel` has no number: write `{word}(cancel)`"),
        _ if Observable::spelled(name, 1).is_none() => {
            let found = if spelled.is_empty() { cursor.found() } else { format!("`{spelled}`") };
            format!("{found} is nothing that a workflow observes; {there}")
        }
        _ if digits.is_empty() => format!("`{name}` needs a number from 1: `{name}1`"),
        _ => format!("`{digits}` is not a number from 1 to {} without leading zeros: `{name}1`", u32::MAX),
    };
    Err(cursor.error(at, problem))
}

/// Reads a number in brackets, which is at least `least`.
fn number(cursor: &mut Cursor<'_>, least: u32, what: &str, example: &str) -> Result<u32, PlanError> {
    cursor.eat('(');
    let at = cursor.position();
    let text = cursor.take_while(|c| !matches!(c, ')' | ';'));
    let Some(number) = text.parse().ok().filter(|number| *number >= least && !text.starts_with('+')) else {
        return Err(cursor.error(at, format!("`{text}` is not {what}, as in `{example}`")));
    };
    cursor.expect(')', "after the number")?;
    Ok(number)
}

/// The faults that fit at a site, with the form of their length or of what they wait for.
fn fitting(site: Site) -> String {
    let form = |kind: Fault| match (kind.length(), kind.waits_for(), kind.factor()) {
        (Some(_), ..) => format!("{}(2s)", kind.keyword()),
        (_, Some(_), _) => format!("{}(activity1)", kind.keyword()),
        (.., Some(_)) => format!("{}(3)", kind.keyword()),
        (None, None, None) => kind.keyword().to_owned(),
    };
    let fitting: Vec<String> = Fault::KINDS.into_iter().filter(|kind| kind.fits(site)).map(form).collect();
    fitting.join(", ")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    #[track_caller]
    pub(in crate::fault) fn refused(text: &str, column: usize, problem: &str) {
        match text.parse::<Plan>() {
            Ok(plan) => panic!("`{text}` was read as `{plan}`"),
            Err(error) => assert_eq!((error.problem.as_str(), error.column), (problem, column), "`{text}`"),
        }
    }

    pub(in crate::fault) fn reads_as(text: &str, printed: &str) {
        assert_eq!(text.parse::<Plan>().unwrap().to_string(), printed);
    }

    #[test]
    fn what_is_left_out_and_where_spaces_are_free() {
        reads_as("v1", "v1 seed=0 order=fifo");
        reads_as("v1;", "v1 seed=0 order=fifo");
        reads_as(" v1  order = random;", "v1 seed=0 order=random");
        reads_as("v1 for=a::b seed=18446744073709551615", "v1 seed=18446744073709551615 order=fifo for=a::b");
        reads_as("a#1@1:await5=crash", "v1 seed=0 order=fifo; a#1@1:await5=crash");
        reads_as("v1;a#1@1:await5 = stall(2000ms) ;", "v1 seed=0 order=fifo; a#1@1:await5=stall(2s)");
    }

    #[test]
    fn a_fault_that_is_not_right() {
        refused("a#1@1:await5", 13, "expected `=` and a fault after a#1@1:await5, found the end");
        let fitting = "crash, crash_attempt, fail, stall(2s), freeze(2s), cancel, stop";
        refused("a#1@1:await5=boom", 14, &format!("unknown fault `boom`; at await5 fit {fitting}"));
        refused("a#1@1:await5=request_lost", 14, &format!("`request_lost` does not fit await5; there fit {fitting}"));
        refused("a#1@1:await5=", 14, &format!("unknown fault the end; at await5 fit {fitting}"));
        refused("a#1@1:await5=stall", 19, "`stall` needs a length: `stall(2s)`");
        refused("a#1@1:await5=crash(2s)", 19, "`crash` has no length");
        for length in ["1.5s", "2", "2min", "s", "-1s"] {
            let problem = format!(
                "`{length}` is not a length: it is digits and one of s, ms, us, ns, as in `stall(2s)` or `stall(1500ms)`"
            );
            refused(&format!("a#1@1:await5=stall({length})"), 20, &problem);
        }
        for length in ["99999999999999999999s", "99999999999999999999999999999999999999999ns"] {
            let problem = format!("`{length}` is too long: the longest is 18446744073709551615s");
            refused(&format!("a#1@1:await5=stall({length})"), 20, &problem);
        }
        refused("a#1@1:await5=stall(2s", 22, "expected `)` after the length, found the end");
        refused("a#1@1:await5=crash b#1@1:await5=crash", 20, "expected `;` before the next fault, found `b`");
        refused("v1;;", 4, "expected a fault such as `process_large_file#1@1:await5=crash`, found `;`");
        refused(
            "a#1@1:await5=crash; a#1@1:await5=fail",
            21,
            "a second fault at a#1@1:await5, which has `crash` already; a point takes one fault",
        );
    }

    #[test]
    fn an_order_is_read_as_it_is_printed() {
        for entry in [
            "a#1@1:completion=behind(timer1)",
            "w:a#2@3:completion=next_task(signal12)",
            "a#1@1:dispatch=behind(cancel)",
            "main#1:timer2=next_task(activity4294967295)",
            "main#1:task1=behind(signal1)",
            "main#1@2:child3=behind(timer1)",
            "main#1:child_end3=next_task(child4)",
            "main#1:message12=behind(child1)",
            "main#1:message12=delayed(60s)",
        ] {
            assert_eq!(entry.parse::<Entry>().unwrap().to_string(), entry);
        }
    }

    #[test]
    fn an_order_that_is_not_right() {
        let there = "there are timerN, signalN, activityN, childN and cancel, as in `behind(signal1)`";
        let wait = "`behind` needs the thing that it waits for: `behind(signal1)`";
        refused("m#1:timer1=behind", 18, wait);
        refused("m#1:timer1=behind()", 19, &format!("`)` is nothing that a workflow observes; {there}"));
        refused("m#1:timer1=behind(ship1)", 19, &format!("`ship1` is nothing that a workflow observes; {there}"));
        refused("m#1:timer1=behind(2s)", 19, &format!("`2s` is nothing that a workflow observes; {there}"));
        refused("m#1:timer1=behind(signal)", 19, "`signal` needs a number from 1: `signal1`");
        let number =
            |digits: &str| format!("`{digits}` is not a number from 1 to 4294967295 without leading zeros: `signal1`");
        for digits in ["0", "01", "5000000000"] {
            refused(&format!("m#1:timer1=behind(signal{digits})"), 19, &number(digits));
        }
        refused("m#1:timer1=behind(cancel1)", 19, "`cancel` has no number: write `behind(cancel)`");
        refused("m#1:timer1=behind(timer1)", 19, "`timer1` cannot come behind itself");
        refused("m#1:signal2=next_task(signal2)", 23, "`signal2` cannot come behind itself");
        refused("m#1:child2=behind(child2)", 19, "`child2` cannot come behind itself");
        refused("m#1:child_end2=behind(child2)", 23, "`child2` cannot come behind itself");
        refused("m#1:timer1=behind(signal1", 26, "expected `)` after the thing that it waits for, found the end");
        let fitting = "crash, cancel, answer_lost, completion_lost, evicted, late(2s), signal, behind(activity1), deploy, \
                       rollback";
        let problem = format!("`next_task` does not fit task1; there fit {fitting}");
        refused("m#1:task1=next_task(signal1)", 11, &problem);
    }

    #[test]
    fn a_deploy_may_name_a_worker() {
        reads_as("w#1:task2=deploy", "v1 seed=0 order=fifo; w#1:task2=deploy");
        reads_as("a#1@2:dispatch=rollback(12)", "v1 seed=0 order=fifo; a#1@2:dispatch=rollback(12)");
        for number in ["", "0", "+1", "2s", "x", "99999999999"] {
            let problem =
                format!("`{number}` is not the number of a worker, which are counted from 1, as in `deploy(1)`");
            refused(&format!("w#1:task2=deploy({number})"), 18, &problem);
        }
    }

    #[test]
    fn slowness_has_a_factor() {
        reads_as("a#1@2:dispatch=slow(3)", "v1 seed=0 order=fifo; a#1@2:dispatch=slow(3)");
        refused("a#1@1:dispatch=slow", 20, "`slow` needs a number: `slow(3)`");
        for number in ["1", "0", "2s"] {
            let problem =
                format!("`{number}` is not a number of times, of which there are at least 2, as in `slow(3)`");
            refused(&format!("a#1@1:dispatch=slow({number})"), 21, &problem);
        }
    }

    #[test]
    fn an_entry_alone() {
        let entry: Entry = "a#1@1:heartbeat2=delayed(20us)".parse().unwrap();
        assert_eq!(entry.to_string(), "a#1@1:heartbeat2=delayed(20us)");
        let error = "a#1@1:await1=crash; b#1@1:await1=crash".parse::<Entry>().unwrap_err();
        assert_eq!(error.to_string(), "column 19: expected the end after one fault, found `;`");
    }
}
