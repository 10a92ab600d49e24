//! [`Regressions`]: plans that failed once, kept in a text file beside the test.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::accepted::{Accepted, Words};
use super::failed::Failed;
use crate::fault::Plan;
use crate::report::fold::cut;
use crate::report::plain;
use crate::world::RunError;

/// A plan of a regressions file, replayed.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub struct Regression {
    /// Its line in the file, from 1.
    pub line: usize,
    /// The plan.
    pub plan: Plan,
    /// The result of its run.
    pub state: RegressionState,
}

/// The result of replaying a plan that failed once.
#[derive(Clone, PartialEq, Debug)]
#[non_exhaustive]
pub enum RegressionState {
    /// A check fails. The failure is among those of the [report](super::Report::failures), unless it is the same as one that
    /// was found before.
    StillFails,
    /// No check fails.
    Fixed,
    /// The run does not come to a point of the plan. The message has the nearest points.
    NoLongerApplies(String),
}

/// The file of an exploration.
#[derive(Clone, Debug)]
pub(super) struct Regressions {
    /// As it was given, for messages.
    shown: PathBuf,
    path: PathBuf,
}

/// A plan of the file.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Kept {
    pub(super) line: usize,
    pub(super) plan: Plan,
    /// The words of a failure that is accepted.
    pub(super) accepted: Option<Words>,
}

impl Regressions {
    /// A relative path begins at the package root, which `cargo test` says; other runners start there.
    pub(super) fn at(path: &Path) -> Regressions {
        let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        Regressions { shown: path.to_owned(), path: root.join(path) }
    }

    /// The plans of an exploration of this name, and those that the file has for others. A file that is not there guards
    /// nothing, which is an error unless this run may make it: `writes`. A folder that is not there is a mistake in the path.
    pub(super) fn of(&self, exploration: &str, writes: bool) -> Result<(Vec<Kept>, Vec<Kept>), RunError> {
        // A pipe would be read for ever.
        if std::fs::metadata(&self.path).is_ok_and(|file| !file.is_file() && !file.is_dir()) {
            return Err(RunError::Setup(format!(
                "the regressions file `{self}` is no regular file, and cannot be read"
            )));
        }
        let text = match std::fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
                if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
                    return Err(RunError::Setup(format!(
                        "the regressions are to be in `{self}`, but there is no folder `{}`; a relative path begins at the \
                         package root",
                        folder.display()
                    )));
                }
                if writes {
                    return Ok((Vec::new(), Vec::new()));
                }
                return Err(RunError::Setup(format!(
                    "the regressions file `{self}` is not there, so it guards nothing: correct the path, which begins at the \
                     package root, or make it, empty or by the first failure that is kept with DURASIM_REGRESSIONS=write"
                )));
            }
            Err(error) => return Err(self.cannot("read", &error)),
        };
        let is_own = |kept: &Kept| kept.plan.exploration.as_deref().is_none_or(|name| name == exploration);
        Ok(self.parse(&text)?.into_iter().partition(is_own))
    }

    fn parse(&self, text: &str) -> Result<Vec<Kept>, RunError> {
        let mut plans = Vec::new();
        for (index, text) in text.lines().enumerate() {
            let (line, text) = (index + 1, text.trim());
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (accepted, text) = match Accepted::parse(text) {
                Some(Ok((words, plan))) => (Some(words), plan),
                Some(Err(why)) => return Err(RunError::Setup(format!("{self}:{line}: {why}"))),
                None => (None, text),
            };
            match text.parse() {
                Ok(plan) => plans.push(Kept { line, plan, accepted }),
                Err(error) => {
                    return Err(RunError::Setup(format!(
                        "{self}:{line}: not a plan, at {error}; a line is a plan, a comment that begins with `#`, or empty"
                    )));
                }
            }
        }
        Ok(plans)
    }

    /// Appends the plans of these failures, each after a comment that says which check it fails. Lines that stand there
    /// already are left as they are, and a plan that is there is not added again. Says how many were new.
    pub(super) fn write(&self, failures: &[Failed]) -> Result<usize, RunError> {
        let file = OpenOptions::new().read(true).append(true).create(true).open(&self.path);
        file.and_then(|file| self.append(file, failures)).unwrap_or_else(|error| Err(self.cannot("write", &error)))
    }

    fn append(&self, mut file: File, failures: &[Failed]) -> std::io::Result<Result<usize, RunError>> {
        // Tests of the same file may end at the same time, in this process or another. Released when it is closed.
        file.lock()?;
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        let known = match self.parse(&text) {
            Ok(known) => known,
            Err(error) => return Ok(Err(error)),
        };
        // A plan that is for no exploration is for all.
        let mut known: Vec<String> = known.iter().map(|kept| kept.plan.to_string()).collect();
        let unnamed = |plan: &Plan| Plan { exploration: None, ..plan.clone() }.to_string();
        let mut added = String::new();
        let mut written = 0;
        for failed in failures.iter().filter(|failed| failed.can_be_kept()) {
            let plan = failed.plan.to_string();
            if !known.contains(&unnamed(&failed.plan)) && !known.contains(&plan) {
                written += 1;
                added += &format!("# {}\n{plan}\n", description(failed));
                known.push(plan);
            }
        }
        if written > 0 {
            if !text.is_empty() && !text.ends_with('\n') {
                added.insert(0, '\n');
            }
            file.seek(SeekFrom::End(0))?;
            file.write_all(added.as_bytes())?;
        }
        Ok(Ok(written))
    }

    fn cannot(&self, what: &str, error: &std::io::Error) -> RunError {
        RunError::Setup(format!("cannot {what} the regressions in `{self}`: {error}"))
    }
}

/// Columns of the comment above a plan.
const DESCRIPTION: usize = 200;

/// One line: the check and what it found.
fn description(failed: &Failed) -> String {
    let message = plain(failed.violation.message.lines().next().unwrap_or_default());
    cut(&format!("`{}` does not hold: {message}", failed.check), DESCRIPTION)
}

impl std::fmt::Display for Regressions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shown.display().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_empty_lines_are_no_plans() {
        let regressions = Regressions::at(Path::new("tests/none"));
        let text = "# a comment\n\na#1@1:await1=crash\n  # another\n  v1 for=b; a#1@1:await2=crash  \n";
        let kept: Vec<(usize, String)> =
            regressions.parse(text).unwrap().into_iter().map(|kept| (kept.line, kept.plan.to_string())).collect();
        assert_eq!(
            kept,
            [
                (3, "v1 seed=0 order=fifo; a#1@1:await1=crash".to_owned()),
                (5, "v1 seed=0 order=fifo for=b; a#1@1:await2=crash".to_owned())
            ]
        );
        let error = regressions.parse("# fine\na#1@1:await1=crush\n").unwrap_err().to_string();
        assert!(error.starts_with("tests/none:2: not a plan, at column 14: unknown fault `crush`"), "{error}");
    }
}
