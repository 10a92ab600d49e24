//! [`Accepted`]: a failure that the regressions file accepts, with the reason.

use serde_json::StreamDeserializer;
use serde_json::de::StrRead;

use super::finding::Finding;
use crate::fault::Plan;

/// The word with which its line begins.
const WORD: &str = "accepted";

/// A failure that is known and is to stay for now: an entry of the [regressions file](super::Exploration::regressions). It
/// fails no test; every report counts it; and it is an error once its plan does not fail so any more.
///
/// ```text
/// accepted "same_result" "different result" "OPS-12: the vendor's client": v1 for=backup; a#1@1:await1=crash
/// ```
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Accepted {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The check that fails.
    pub check: String,
    /// The rule of the check that is broken: [`Violation::kind`](crate::check::Violation::kind).
    pub kind: String,
    /// The reason why that is accepted.
    pub reason: String,
    /// The plan that shows it.
    pub plan: Plan,
    /// The runs of this exploration in which it was found.
    pub runs: u64,
}

impl Accepted {
    /// Reads what stands before the plan of such a line, and gives that and the text of the plan. `None` for another line.
    ///
    /// # Errors
    /// The form that is expected.
    pub(super) fn parse(text: &str) -> Option<Result<(Words, &str), String>> {
        let rest = text.strip_prefix(WORD)?.strip_prefix([' ', '"'])?;
        let rest = &text[text.len() - rest.len() - 1..];
        let mut words: StreamDeserializer<'_, StrRead<'_>, String> =
            serde_json::Deserializer::from_str(rest).into_iter();
        let mut next = || words.next().and_then(Result::ok).filter(|word| !word.trim().is_empty());
        let read = next().zip(next()).zip(next());
        let plan = rest.get(words.byte_offset()..).and_then(|rest| rest.trim_start().strip_prefix(':'));
        Some(match (read, plan) {
            (Some(((check, kind), reason)), Some(plan)) => Ok((Words { check, kind, reason }, plan.trim())),
            _ => Err(format!(
                "a failure that is accepted is written `{WORD} \"check\" \"rule\" \"reason\": plan`, with the check and the rule \
                 that the plan fails by"
            )),
        })
    }

    /// Says whether this is the failure that is accepted, with maybe another plan.
    pub(super) fn covers(&self, finding: &Finding) -> bool {
        finding.repeats && (&self.check, &self.kind) == (&finding.check, &finding.violation.kind)
    }
}

/// The words of such a line.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Words {
    pub(super) check: String,
    pub(super) kind: String,
    pub(super) reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_check_rule_and_reason() {
        let line = r#"accepted "same_result" "different result" "OPS-12: \"late\"": v1 for=a; a#1@1:await1=crash"#;
        let (words, plan) = Accepted::parse(line).unwrap().unwrap();
        let Words { check, kind, reason } = words;
        assert_eq!((&*check, &*kind, &*reason), ("same_result", "different result", "OPS-12: \"late\""));
        assert_eq!(plan, "v1 for=a; a#1@1:await1=crash");
    }

    #[test]
    fn a_line_without_a_reason_shows_the_form() {
        for line in [
            r#"accepted "same_result" "different result": v1"#,
            r#"accepted "a" "b" " ": v1"#,
            "accepted v1",
            "accepted x",
        ] {
            let error = Accepted::parse(line).unwrap().unwrap_err();
            assert!(error.contains("\"reason\": plan"), "{error}");
        }
        assert_eq!(Accepted::parse("accepted#1@1:await1=crash"), None);
        assert_eq!(Accepted::parse("v1 seed=0; a#1@1:await1=crash"), None);
    }
}
