//! The reading of a point: `[workflow-id[/run]:]activity#k@n:site` or `[workflow-id:]workflow#k[@run]:site`.

use std::sync::Arc;

use super::cursor::{Cursor, EXAMPLE, Spelled};
use crate::fault::{Name, PlanError, Point, Site};

pub(super) fn point(cursor: &mut Cursor<'_>) -> Result<Point, PlanError> {
    let at = cursor.position();
    let first =
        if cursor.peek() == Some('/') { None } else { Some(cursor.name(&format!("a fault such as {EXAMPLE}"))?) };
    let (workflow_id, prefix_run, name) = match first {
        Some(name) if !matches!(cursor.peek(), Some(':' | '/')) => (None, None, name),
        // A name that ends in `:` is a workflow id.
        workflow => {
            let (id, run) = workflow_prefix(cursor, workflow)?;
            (id, run, cursor.name("the name of an activity or workflow after the workflow id")?)
        }
    };
    let name: Arc<str> = name.into_name();
    if !cursor.eat('#') {
        return Err(cursor.error_here(no_execution(cursor)));
    }
    let execution = cursor.count("which one, a number: `#1`")?;
    let number_at = cursor.position();
    let number = if cursor.eat('@') { Some(cursor.count("an attempt or a run, a number: `@1`")?) } else { None };
    cursor.expect(':', "and a site, such as `:await5`")?;
    let site = site(cursor)?;
    let (run, attempt) = match (site.is_workflow(), number, prefix_run) {
        (false, Some(attempt), run) => (run, Some(attempt)),
        (false, None, _) => {
            let problem =
                format!("{site} is a site of an attempt, so say which: `{}#{execution}@1:{site}`", Name(&name));
            return Err(cursor.error(number_at, problem));
        }
        (true, run, None) => (run, None),
        (true, _, Some(run)) => {
            let problem = format!(
                "{site} is a site of a workflow, whose run follows its name: `{}#{execution}@{run}:{site}`",
                Name(&name)
            );
            return Err(cursor.error(at, problem));
        }
    };
    Ok(Point { workflow_id, run, name, execution, attempt, site })
}

/// The error for a name that ends without `#`: either that is missing, or the name should be in quotes.
fn no_execution(cursor: &Cursor<'_>) -> String {
    let found = cursor.found();
    match cursor.peek() {
        Some(next) if !matches!(next, ';' | '=' | '@' | ':' | ',') => format!(
            "expected `#` and which one after the name, as in {EXAMPLE}, found {found}; a name with other characters \
             than letters, digits, `_`, `-`, `.`, `/` and `::` is quoted, as in `\"my activity\"#1@1:await5=crash`"
        ),
        _ => format!("expected `#` and which one after the name, as in {EXAMPLE}, found {found}"),
    }
}

/// Reads the workflow id (if one is given) and the run (likewise), up to and with the `:`.
fn workflow_prefix(
    cursor: &mut Cursor<'_>,
    workflow: Option<Spelled<'_>>,
) -> Result<(Option<Arc<str>>, Option<u32>), PlanError> {
    let (id, run) = match workflow {
        // A bare id ends at its `/`.
        Some(Spelled { at, name, quoted: false }) if name.contains('/') => {
            let (id, run) = name.split_once('/').unwrap_or((&name, ""));
            match run.parse() {
                Ok(count) if count > 0 && !run.starts_with(['0', '+']) => (Some(Arc::from(id)), Some(count)),
                _ => {
                    let problem = format!(
                        "`{run}` is not a run of workflow `{id}`, which is a number from 1; an id with a `/` is \
                         quoted: \"{name}\""
                    );
                    return Err(cursor.error(at + id.len() + 1, problem));
                }
            }
        }
        other => {
            let run = if cursor.eat('/') { Some(cursor.count("a run, a number: `/2`")?) } else { None };
            (other.map(Spelled::into_name), run)
        }
    };
    cursor.expect(':', "between the workflow and the activity")?;
    Ok((id, run))
}

fn site(cursor: &mut Cursor<'_>) -> Result<Site, PlanError> {
    let at = cursor.position();
    let spelled = cursor.word();
    let word = spelled.trim_end_matches(|c: char| c.is_ascii_digit());
    let digits = &spelled[word.len()..];
    let Some(wants_number) = Site::spelled(word, 0).map(|site| site.number().is_some()) else {
        let found = if spelled.is_empty() { cursor.found() } else { format!("`{spelled}`") };
        return Err(cursor.error(at, format!("unknown site {found}; the sites are {}", Site::SPELLINGS)));
    };
    let number = digits.parse().unwrap_or(0);
    let problem = match (wants_number, digits.is_empty()) {
        (true, true) => format!("`{word}` needs a number from 1: `{word}1`"),
        (true, false) if number == 0 || digits.starts_with('0') => {
            format!("`{digits}` is not a number from 1 to {} without leading zeros: `{word}1`", u32::MAX)
        }
        (false, false) => format!("`{word}` has no number: an attempt has one {word} only"),
        _ => match Site::spelled(word, number) {
            Some(site) => return Ok(site),
            None => format!("unknown site `{spelled}`; the sites are {}", Site::SPELLINGS),
        },
    };
    Err(cursor.error(at, problem))
}

#[cfg(test)]
mod tests {
    use crate::fault::Plan;
    use crate::fault::text::parse::tests::{reads_as, refused};

    #[test]
    fn names_that_look_like_something_else() {
        reads_as("v1#1@1:backoff=cancel", "v1 seed=0 order=fifo; v1#1@1:backoff=cancel");
        reads_as("v2:seed#1@1:backoff=cancel", "v1 seed=0 order=fifo; v2:seed#1@1:backoff=cancel");
        reads_as("a::b:c::d#1@1:backoff=cancel", "v1 seed=0 order=fifo; a::b:c::d#1@1:backoff=cancel");
        reads_as(r##""v1"#1:task2=evicted"##, "v1 seed=0 order=fifo; v1#1:task2=evicted");
        let with_runs =
            r##"v1 seed=0 order=fifo; w/2:a#1@1:await1=fail; "w/2":a#1@1:await1=fail; /2:a/b#1@1:await1=fail"##;
        reads_as(with_runs, with_runs);
        let plan: Plan = with_runs.parse().unwrap();
        let workflows: Vec<_> = plan.entries.iter().map(|e| (e.point.workflow_id.as_deref(), e.point.run)).collect();
        assert_eq!(workflows, [(Some("w"), Some(2)), (Some("w/2"), None), (None, Some(2))]);
    }

    #[test]
    fn the_run_of_a_workflow_follows_its_name() {
        let plan: Plan = "w#1@2:task3=crash".parse().unwrap();
        assert_eq!((plan.entries[0].point.run, plan.entries[0].point.attempt), (Some(2), None));
        let problem = "task3 is a site of a workflow, whose run follows its name: `a#1@2:task3`";
        refused("w/2:a#1:task3=crash", 1, problem);
    }

    #[test]
    fn a_point_that_is_not_right() {
        let name = "expected `#` and which one after the name, as in `process_large_file#1@1:await5=crash`, found";
        refused("garbage", 8, &format!("{name} the end"));
        refused("v1; copy@1:await1=crash", 9, &format!("{name} `@`"));
        let quote = "; a name with other characters than letters, digits, `_`, `-`, `.`, `/` and `::` is quoted, as in \
                     `\"my activity\"#1@1:await5=crash`";
        refused("größe#1@1:await1=crash", 3, &format!("{name} `ö`{quote}"));
        refused(
            "\"größe\"#0@1:await1=crash",
            9,
            "expected which one, a number: `#1`, found `0`: it counts from 1, without leading zeros",
        );
        refused(
            "a#1@01:await1=crash",
            5,
            "expected an attempt or a run, a number: `@1`, found `01`: it counts from 1, without leading zeros",
        );
        refused(
            "a#5000000000@1:await1=crash",
            3,
            "expected which one, a number: `#1`, found `5000000000`, which is more than 4294967295",
        );
        refused("a#1:await5=crash", 4, "await5 is a site of an attempt, so say which: `a#1@1:await5`");
        refused("a#1@1=crash", 6, "expected `:` and a site, such as `:await5`, found `=`");
        let sites = "the sites are dispatch, awaitN, effectN, heartbeatN, deadlineN, completion, backoff, and taskN, \
                     signalN, timerN, childN, child_endN, messageN, updateN, update_endN of a workflow";
        refused("a#1@1:sleep3=crash", 7, &format!("unknown site `sleep3`; {sites}"));
        refused("a#1@1:=crash", 7, &format!("unknown site `=`; {sites}"));
        refused("a#1@1:await=crash", 7, "`await` needs a number from 1: `await1`");
        refused("a#1@1:await0=crash", 7, "`0` is not a number from 1 to 4294967295 without leading zeros: `await1`");
        let number =
            |digits: &str| format!("`{digits}` is not a number from 1 to 4294967295 without leading zeros: `await1`");
        refused("a#1@1:await02=crash", 7, &number("02"));
        refused("a#1@1:await5000000000=crash", 7, &number("5000000000"));
        refused("a#1@1:backoff2=cancel", 7, "`backoff` has no number: an attempt has one backoff only");
        refused(
            "w/eu:a#1@1:await1=crash",
            3,
            "`eu` is not a run of workflow `w`, which is a number from 1; an id with a `/` is quoted: \"w/eu\"",
        );
        for run in ["02", "0"] {
            let problem = format!(
                "`{run}` is not a run of workflow `w`, which is a number from 1; an id with a `/` is quoted: \"w/{run}\""
            );
            refused(&format!("w/{run}:a#1@1:await1=crash"), 3, &problem);
        }
        refused("\"a#1@1:await1=crash", 1, "this quoted name has no closing `\"`");
        refused(
            r##""a\q"#1@1:await1=crash"##,
            1,
            "this quoted name is not a JSON string: invalid escape at line 1 column 4",
        );
    }
}
