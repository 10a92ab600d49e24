//! [`Target`]: the target that cargo has to build for a test, found from the file that calls `explore` and the executable's name.

use std::path::{Component, Path, PathBuf};

/// The target that cargo builds for a test.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Target {
    Test(String),
    Lib,
    Bin(String),
    /// A module below `src`, of a package that has both.
    LibOrBin,
    Example(String),
    Bench(String),
    /// The tests in documentation.
    Doc,
    /// All that there is.
    #[default]
    Unknown,
}

/// The facts about the process and its package.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    /// The file that calls `explore`, as the compiler was given it.
    pub(super) file: &'a Path,
    /// The name of the executable, without the hash that cargo appends: dashes have become underscores.
    pub(super) executable: &'a str,
    pub(super) package: &'a str,
    /// The folder of the package.
    pub(super) folder: &'a Path,
}

impl Target {
    pub(super) fn of(place: Place<'_>) -> Target {
        let Place { executable, .. } = place;
        if executable == "rust_out" {
            return Target::Doc;
        }
        let file = place.file_in_package().unwrap_or_default();
        let mut names = file.components().filter_map(|component| component.as_os_str().to_str());
        let (kind, name) = (names.next().unwrap_or_default(), names.next().unwrap_or_default());
        let stem = name.strip_suffix(".rs").unwrap_or(name);
        let is_named_so = same(stem, executable);
        // Names may be given in Cargo.toml, and the call may stand in a file that several targets share: then the executable is
        // right, but for dashes.
        let named = || if is_named_so { stem.to_owned() } else { place.name_with_dashes(kind) };
        match kind {
            "tests" => Target::Test(named()),
            "examples" => Target::Example(named()),
            "benches" => Target::Bench(named()),
            "src" if stem == "bin" || same(executable, place.package) => place.of_src(&file),
            _ => place.of_executable(),
        }
    }

    /// As arguments of cargo.
    pub(super) fn arguments(&self) -> Vec<String> {
        let flag = |flag: &str, name: &str| vec![flag.to_owned(), name.to_owned()];
        match self {
            Target::Test(name) => flag("--test", name),
            Target::Lib => vec!["--lib".to_owned()],
            Target::Bin(name) => flag("--bin", name),
            Target::LibOrBin => flag("--lib", "--bins"),
            Target::Example(name) => flag("--example", name),
            Target::Bench(name) => flag("--bench", name),
            Target::Doc => vec!["--doc".to_owned()],
            Target::Unknown => Vec::new(),
        }
    }

    /// Its table in Cargo.toml and its name there, if it may have one with required features.
    pub(super) fn in_manifest(&self) -> Option<(&'static str, &str)> {
        match self {
            Target::Test(name) => Some(("test", name)),
            Target::Bin(name) => Some(("bin", name)),
            Target::Example(name) => Some(("example", name)),
            Target::Bench(name) => Some(("bench", name)),
            Target::Lib | Target::LibOrBin | Target::Doc | Target::Unknown => None,
        }
    }
}

impl Place<'_> {
    /// The file from the package's folder on. The compiler is given a path from the workspace's root on, or a whole one.
    fn file_in_package(&self) -> Option<PathBuf> {
        if let Ok(file) = self.file.strip_prefix(self.folder) {
            return Some(file.to_owned());
        }
        let parts: Vec<Component<'_>> = self.file.components().collect();
        let split =
            (0..parts.len()).rev().find(|split| self.folder.ends_with(parts[..*split].iter().collect::<PathBuf>()))?;
        Some(parts[split..].iter().collect())
    }

    /// A test of the package's library, or of the program that has its name.
    fn of_src(&self, file: &Path) -> Target {
        let has = |file: &str| self.folder.join(file).is_file();
        let main = || Target::Bin(self.name_of_main());
        let mut below = file.components().skip(1);
        let first = below.next().and_then(|name| name.as_os_str().to_str()).unwrap_or_default();
        match first {
            "lib.rs" => Target::Lib,
            "main.rs" => main(),
            "bin" => match below.next().and_then(|name| name.as_os_str().to_str()) {
                Some(name) if same(stem(name), self.executable) => Target::Bin(stem(name).to_owned()),
                _ => self.of_executable(),
            },
            _ => match (has("src/lib.rs"), has("src/main.rs")) {
                (true, true) => Target::LibOrBin,
                (false, true) => main(),
                _ => Target::Lib,
            },
        }
    }

    /// A target whose file is not known, by its name alone.
    fn of_executable(&self) -> Target {
        for (folder, target) in
            [("tests", Target::Test as fn(String) -> Target), ("src/bin", Target::Bin), ("examples", Target::Example)]
        {
            if let Some(name) = self.entry(folder) {
                return target(name);
            }
        }
        let has = |file: &str| self.folder.join(file).is_file();
        match (has("src/lib.rs"), has("src/main.rs")) {
            (true, false) => Target::Lib,
            (true, true) if same(self.executable, self.package) => Target::LibOrBin,
            (true, true) => Target::Lib,
            (false, true) => Target::Bin(self.name_of_main()),
            (false, false) => Target::Unknown,
        }
    }

    fn name_of_main(&self) -> String {
        let is_package = same(self.package, self.executable);
        if is_package { self.package.to_owned() } else { self.executable.to_owned() }
    }

    /// The executable's name as a file of this folder has it.
    fn name_with_dashes(&self, folder: &str) -> String {
        self.entry(folder).unwrap_or_else(|| self.executable.to_owned())
    }

    /// The name of the target in this folder that the executable was made of.
    fn entry(&self, folder: &str) -> Option<String> {
        let entries = std::fs::read_dir(self.folder.join(folder)).ok()?;
        let mut names = entries.filter_map(|entry| {
            let entry = entry.ok()?;
            let name = entry.file_name().into_string().ok()?;
            let is_target = name.ends_with(".rs") || entry.path().join("main.rs").is_file();
            is_target.then(|| stem(&name).to_owned())
        });
        names.find(|name| same(name, self.executable))
    }
}

fn stem(file: &str) -> &str {
    file.strip_suffix(".rs").unwrap_or(file)
}

/// Says whether cargo gives executables of these targets the same name.
fn same(one: &str, other: &str) -> bool {
    one.replace('-', "_") == other.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(file: &str, executable: &str, arguments: &str) {
        let folder = Path::new("/nowhere/work/crates/my-shop");
        let place = Place { file: Path::new(file), executable, package: "my-shop", folder };
        assert_eq!(Target::of(place).arguments().join(" "), arguments);
    }

    #[test]
    fn the_file_says_what_kind_it_is() {
        is("crates/my-shop/tests/buys-once.rs", "buys_once", "--test buys-once");
        is("tests/buys/main.rs", "buys", "--test buys");
        is("tests/buys/deep/down.rs", "buys", "--test buys");
        is("/nowhere/work/crates/my-shop/tests/buys/once.rs", "buys", "--test buys");
        is("crates/my-shop/src/lib.rs", "my_shop", "--lib");
        is("src/tests/cart.rs", "my_shop", "--lib");
        is("src/main.rs", "my_shop", "--bin my-shop");
        is("src/bin/sell-all.rs", "sell_all", "--bin sell-all");
        is("src/bin/sell-all/part.rs", "sell_all", "--bin sell-all");
        is("examples/buy.rs", "buy", "--example buy");
        is("benches/buy.rs", "buy", "--bench buy");
        is("src/lib.rs", "rust_out", "--doc");
    }

    #[test]
    fn the_executable_is_right_where_several_share_the_file() {
        is("tests/support/mod.rs", "buys", "--test buys");
        is("crates/tools/src/lib.rs", "buys", "");
    }

    #[test]
    fn a_file_that_is_not_known_is_looked_for() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let of = |executable| {
            let file = Path::new("elsewhere/src/lib.rs");
            Target::of(Place { file, executable, package: "durasim", folder })
        };
        assert_eq!(of("promises"), Target::Test("promises".to_owned()));
        assert_eq!(of("resume"), Target::Example("resume".to_owned()));
        assert_eq!(of("durasim"), Target::Lib);
    }
}
