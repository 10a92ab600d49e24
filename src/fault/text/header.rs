//! The reading of a plan's header: `v1 seed=0 order=fifo for=name`.

use super::cursor::{Cursor, EXAMPLE};
use crate::fault::{Order, Plan, PlanError, VERSION};

const FIELDS: [&str; 3] = ["seed", "order", "for"];

/// Says whether the text begins with a header. An activity may be called `v1` too, but then `#1` or more of a name or
/// coordinate follows.
pub(super) fn begins_with_header(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    let word = ahead.word();
    let is_name = matches!(ahead.peek(), Some('#' | ':' | '@' | '-' | '.' | '/'));
    !is_name && (FIELDS.contains(&word) || version_number(word).is_some())
}

/// The digits of `v1`.
fn version_number(word: &str) -> Option<&str> {
    word.strip_prefix('v').filter(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Reads `v1 seed=0 order=fifo for=name`, with the `;` behind it.
pub(super) fn header(cursor: &mut Cursor<'_>) -> Result<Plan, PlanError> {
    version(cursor)?;
    let mut plan = Plan::none();
    let mut seen: Vec<&str> = Vec::new();
    loop {
        cursor.skip_spaces();
        if cursor.at_end() || cursor.eat(';') {
            return Ok(plan);
        }
        let at = cursor.position();
        let field = cursor.word();
        if !FIELDS.contains(&field) {
            let found = if field.is_empty() { cursor.found() } else { format!("`{field}`") };
            let problem =
                format!("expected `seed=`, `order=`, `for=`, or `;` and a fault such as {EXAMPLE}, found {found}");
            return Err(cursor.error(at, problem));
        }
        if seen.contains(&field) {
            return Err(cursor.error(at, format!("`{field}=` stands here twice")));
        }
        seen.push(field);
        cursor.skip_spaces();
        cursor.expect('=', &format!("after `{field}`"))?;
        cursor.skip_spaces();
        match field {
            "seed" => plan.seed = seed(cursor)?,
            "order" => plan.order = order(cursor)?,
            _ => plan.exploration = Some(cursor.name("the name of an exploration: `for=my_test`")?.into_name()),
        }
        end_of_field(cursor, &format!("{field}=.."))?;
    }
}

fn version(cursor: &mut Cursor<'_>) -> Result<(), PlanError> {
    let at = cursor.position();
    let word = cursor.word();
    let problem = match version_number(word) {
        Some(number) if number == VERSION.to_string() => return end_of_field(cursor, word),
        Some(number) => format!(
            "a plan of version {number}; this version of durasim reads version {VERSION} only, as other versions \
             mean other faults or other runs"
        ),
        None => format!("a header begins with its version: `v{VERSION} {word}=..`"),
    };
    Err(cursor.error(at, problem))
}

/// Checks that a field of a header ends here: at a space, at the `;`, or with the text.
fn end_of_field(cursor: &Cursor<'_>, field: &str) -> Result<(), PlanError> {
    match cursor.peek() {
        None | Some(';') => Ok(()),
        Some(next) if next.is_whitespace() => Ok(()),
        Some(_) => Err(cursor.error_here(format!("expected a space or `;` after `{field}`, found {}", cursor.found()))),
    }
}

fn seed(cursor: &mut Cursor<'_>) -> Result<u64, PlanError> {
    let at = cursor.position();
    let digits = cursor.word();
    // A word has no sign, and `parse` refuses all else that is not digits.
    if let Ok(seed) = digits.parse() {
        return Ok(seed);
    }
    let found = if digits.is_empty() { cursor.found() } else { format!("`{digits}`") };
    Err(cursor.error(at, format!("expected a seed from 0 to {}, found {found}", u64::MAX)))
}

fn order(cursor: &mut Cursor<'_>) -> Result<Order, PlanError> {
    let at = cursor.position();
    match cursor.word() {
        "fifo" => Ok(Order::Fifo),
        "random" => Ok(Order::Random),
        "pct" => depth(cursor).map(Order::Pct),
        other => Err(cursor.error(at, format!("unknown order `{other}`; there are `fifo`, `random` and `pct(3)`"))),
    }
}

/// The largest depth of `pct(..)`: no more changes of priorities than that are drawn in a run.
const DEEPEST: u32 = 2_048;

/// Reads the depth of `pct(3)`.
fn depth(cursor: &mut Cursor<'_>) -> Result<u32, PlanError> {
    cursor.expect('(', "after `pct`, as in `pct(3)`")?;
    let at = cursor.position();
    let digits = cursor.take_while(|c| c.is_ascii_digit());
    let Some(depth) = digits.parse().ok().filter(|depth| *depth <= DEEPEST) else {
        let found = if digits.is_empty() { cursor.found() } else { format!("`{digits}`") };
        return Err(cursor.error(at, format!("expected a number from 0 to {DEEPEST}, as in `pct(3)`, found {found}")));
    };
    cursor.expect(')', "after the number")?;
    Ok(depth)
}

#[cfg(test)]
mod tests {
    use crate::fault::text::parse::tests::refused;

    #[test]
    fn a_header_that_is_not_right() {
        refused("", 1, "the plan is empty; one without faults is `v1`");
        refused(
            "v2 seed=0; x",
            1,
            "a plan of version 2; this version of durasim reads version 1 only, as other versions mean other faults or \
             other runs",
        );
        refused("seed=7; a#1@1:await1=crash", 1, "a header begins with its version: `v1 seed=..`");
        refused("v1 seed=-1", 9, "expected a seed from 0 to 18446744073709551615, found `-`");
        refused("v1 seed=1x", 9, "expected a seed from 0 to 18446744073709551615, found `1x`");
        refused("v1 order=lifo", 10, "unknown order `lifo`; there are `fifo`, `random` and `pct(3)`");
        refused("v1 order=pct", 13, "expected `(` after `pct`, as in `pct(3)`, found the end");
        refused("v1 order=pct(x)", 14, "expected a number from 0 to 2048, as in `pct(3)`, found `x`");
        refused("v1 order=pct(2049)", 14, "expected a number from 0 to 2048, as in `pct(3)`, found `2049`");
        refused("v1 order=pct(3", 15, "expected `)` after the number, found the end");
        refused("v1 seed=1 seed=1", 11, "`seed=` stands here twice");
        refused("v1 seed 1", 9, "expected `=` after `seed`, found `1`");
        refused("v1 for=a,b", 9, "expected a space or `;` after `for=..`, found `,`");
        refused(
            "v1 seed=1 a#1@1:await1=crash",
            11,
            "expected `seed=`, `order=`, `for=`, or `;` and a fault such as `process_large_file#1@1:await5=crash`, \
             found `a`",
        );
    }
}
