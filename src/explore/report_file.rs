//! [`ReportFolder`]: the folder into which `DURASIM_REPORT` has reports written, a file for each exploration.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::file_name::file_name;
use super::report::Report;
use super::rerun::without_hash;
use super::sweep::EXPLAINED;
use super::variables::FOLDER;
use crate::report::TraceEvents;
use crate::world::RunError;

/// The folder for reports.
pub(super) struct ReportFolder {
    /// The value of the variable.
    set: PathBuf,
    path: PathBuf,
}

impl ReportFolder {
    /// Gives the folder that is set. A relative path begins at the package root, as that of regressions does; empty counts
    /// as not set.
    fn of_environment() -> Option<ReportFolder> {
        let set = PathBuf::from(std::env::var_os(FOLDER).filter(|value| !value.is_empty())?);
        let root = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from).unwrap_or_default();
        Some(ReportFolder { path: root.join(&set), set })
    }

    /// Makes the folder, before any run is made.
    ///
    /// # Errors
    /// It gives an error if one is set and cannot be made.
    pub(super) fn prepare() -> Result<(), RunError> {
        ReportFolder::of_environment().map_or(Ok(()), |folder| folder.make())
    }

    fn make(&self) -> Result<(), RunError> {
        fs::create_dir_all(&self.path).map_err(|error| self.cannot("make the folder", &self.path, &error))
    }

    fn cannot(&self, what: &str, path: &Path, error: &io::Error) -> RunError {
        RunError::Setup(format!(
            "{FOLDER} is `{}`, and durasim cannot {what} `{}`: {error}. Set it to a folder that can be written, or unset it",
            self.set.display(),
            path.display()
        ))
    }

    /// Writes a file under another name, and gives it its own: whoever reads the folder never sees a half of it.
    fn write(&self, name: &str, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), RunError> {
        let path = self.path.join(name);
        let unfinished = self.path.join(format!(".{name}.{}", std::process::id()));
        let written = File::create(&unfinished).and_then(|file| {
            let mut file = BufWriter::new(file);
            content(&mut file)?;
            file.into_inner()?;
            fs::rename(&unfinished, &path)
        });
        written.map_err(|error| {
            let _ = fs::remove_file(&unfinished);
            self.cannot("write", &path, &error)
        })
    }
}

impl Report {
    /// Writes the report, and the trace of each failing run, if `DURASIM_REPORT` asks for that. If it cannot be done, that
    /// is the report's error.
    pub(super) fn write_where_asked(&mut self) {
        let Some(folder) = ReportFolder::of_environment() else { return };
        match (self.write_into(&folder), &self.error) {
            (Ok(()), _) => {}
            (Err(error), None) => self.error = Some(error),
            (Err(error), Some(known)) if error == *known => {}
            (Err(error), Some(_)) => self.tell(error.to_string()),
        }
    }

    fn write_into(&self, folder: &ReportFolder) -> Result<(), RunError> {
        folder.make()?;
        let name = self.file_name();
        let mut value = self.to_value();
        for index in 0..self.failures.len().max(EXPLAINED) {
            let trace = match index {
                0 => format!("{name}.trace.json"),
                other => format!("{name}.trace-{}.json", other + 1),
            };
            let Some(failed) = self.failures.get(index) else {
                // One may be there of an earlier time.
                let _ = fs::remove_file(folder.path.join(&trace));
                continue;
            };
            folder.write(&trace, |file| write!(file, "{}", TraceEvents::new(failed.trace())))?;
            if let Some(failure) = value.get_mut("failures").and_then(|failures| failures.get_mut(index)) {
                failure["trace_file"] = Value::String(trace);
            }
        }
        folder.write(&format!("{name}.json"), |file| writeln!(file, "{value:#}"))
    }

    /// Makes the name of the report's file of the package, the test target, the test, and the exploration if that has
    /// another name. A further exploration of the same name in this process has a number behind it.
    fn file_name(&self) -> String {
        let program = std::env::current_exe().unwrap_or_default();
        let program = program.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let program = without_hash(&program);
        let target = self.rerun.target_in_names(program);
        let package = std::env::var_os("CARGO_PKG_NAME").map(OsString::into_string).and_then(Result::ok);
        let package = package.as_deref().unwrap_or(program);
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("main");
        let parts = [package, &*target, test, &*self.name];
        let mut name = file_name(if test == &*self.name { &parts[..3] } else { &parts });
        if let Some(shard) = self.shard {
            // Writing to a string cannot fail.
            let _ = write!(name, "~{}", shard.to_string().replace('/', "of"));
        }
        static WRITTEN: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
        let mut written = WRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
        let times = written.entry(name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            let _ = write!(name, "~{times}");
        }
        name
    }
}
