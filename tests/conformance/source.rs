//! [`Source`]: the place from which scenarios and rules are read.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::recording::scenario::{Scenario, load, unstable};
use crate::row::{self, Row};

const INDEXES: [&str; 2] = ["index.json", "index-second.json"];
const VARIABLE: &str = "CONFORMANCE_DATA";

/// The test's own data, or the data that the variable names instead.
pub enum Source {
    Own,
    /// A file of rules, or of one scenario.
    File(PathBuf),
    Folder(PathBuf),
}

impl Source {
    pub fn from_environment() -> Source {
        match std::env::var_os(VARIABLE) {
            None => Source::Own,
            Some(path) => {
                let path = PathBuf::from(path);
                assert!(path.exists(), "{VARIABLE} names {}, which does not exist", path.display());
                if path.is_dir() { Source::Folder(path) } else { Source::File(path) }
            }
        }
    }

    pub fn is_own(&self) -> bool {
        matches!(self, Source::Own)
    }

    pub fn scenarios(&self) -> Vec<Scenario> {
        let folder = match self {
            Source::Own => own(),
            Source::Folder(path) | Source::File(path) => path.clone(),
        };
        let mut scenarios = load(&folder);
        // The indexes lie in the folder or beside it.
        let beside = folder.parent().map(Path::to_owned).into_iter();
        let races: Vec<String> = [folder]
            .into_iter()
            .chain(beside)
            .flat_map(|folder| INDEXES.map(|index| unstable(&folder.join(index))))
            .flatten()
            .collect();
        for scenario in &mut scenarios {
            scenario.is_race = races.contains(&scenario.name);
        }
        scenarios
    }

    pub fn rules(&self) -> Option<Vec<Row>> {
        let file = match self {
            Source::Own => own().join("rules.json"),
            Source::File(file) => file.clone(),
            Source::Folder(folder) => folder.join("rules.json"),
        };
        if matches!(self, Source::Folder(_)) && !file.exists() {
            return None;
        }
        let text = std::fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let json: Value = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        if json["definition"].is_object() {
            return None;
        }
        assert!(json["rows"].is_array(), "{} is neither a scenario nor a rules file", file.display());
        Some(row::load(&text))
    }
}

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/data")
}
