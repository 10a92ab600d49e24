//! The target of each path of the sources, through whatever re-exports, and the imports that follow from that.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path as FilePath;

use super::source::{Module, Path, modules};

/// The sources of a crate by their names below `src`, such as `run/mod.rs`.
pub struct Sources(BTreeMap<String, String>);

/// One file needs another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub from: String,
    pub line: usize,
    pub to: String,
    /// The path as it is written.
    pub path: String,
    /// A file passes on what another one defines, and does not use it itself.
    pub is_passed_on: bool,
}

impl fmt::Display for Import {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: `{}` is in src/{}", self.from, self.line, self.path, self.to)
    }
}

/// The folder of a file below `src`, or the stem of a file that stands there alone.
pub fn folder(file: &str) -> &str {
    file.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

impl Sources {
    pub fn read(root: &FilePath) -> Sources {
        let mut sources = BTreeMap::new();
        let mut folders = vec![root.to_path_buf()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
                let path = entry.expect("an entry of the folder").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
                    let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
                    sources.insert(name, source);
                }
            }
        }
        Sources(sources)
    }

    #[cfg(test)]
    pub fn of(files: &[(&str, &str)]) -> Sources {
        Sources(files.iter().map(|(name, source)| ((*name).to_owned(), (*source).to_owned())).collect())
    }

    pub fn crate_of(&self) -> Crate {
        let mut found = Crate { modules: BTreeMap::new() };
        found.add(self, "lib.rs", &[]);
        found
    }
}

/// The modules of a crate by their paths, each with its file.
pub struct Crate {
    modules: BTreeMap<Vec<String>, (String, Module)>,
}

/// The target of a path: a module, or something that a module defines.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(Vec<String>),
    Item(Vec<String>),
}

impl Target {
    fn module(&self) -> &Vec<String> {
        match self {
            Target::Module(path) | Target::Item(path) => path,
        }
    }
}

impl Crate {
    /// Adds this file and those of its modules.
    fn add(&mut self, sources: &Sources, file: &str, path: &[String]) {
        let Some(source) = sources.0.get(file) else { panic!("src/{file} is missing: the module {path:?}") };
        for module in modules(path, source) {
            for name in &module.files {
                let inner = [module.path.as_slice(), std::slice::from_ref(name)].concat();
                let stem = inner.join("/");
                let own = [format!("{stem}.rs"), format!("{stem}/mod.rs")];
                let own = own.iter().find(|file| sources.0.contains_key(*file));
                let own = own.unwrap_or_else(|| panic!("src/{file}: the file of `mod {name};` is missing"));
                self.add(sources, own, &inner);
            }
            self.modules.insert(module.path.clone(), (file.to_owned(), module));
        }
    }

    pub fn files(&self) -> BTreeSet<&str> {
        self.modules.values().map(|(file, _)| file.as_str()).collect()
    }

    /// Gives every import of one file from another. The names that the crate's root passes on are the surface, not
    /// imports.
    pub fn imports(&self) -> Vec<Import> {
        let mut imports = BTreeSet::new();
        for (file, module) in self.modules.values().filter(|(file, _)| file != "lib.rs") {
            let uses = module.uses.iter().map(|used| (&used.path, used.is_public && !used.is_used));
            for (path, is_passed_on) in uses.chain(module.paths.iter().map(|path| (path, false))) {
                for target in self.targets(&module.path, &path.words, &mut Vec::new()) {
                    let to = self.modules[target.module()].0.clone();
                    if to != *file {
                        let (from, line) = (file.clone(), path.line);
                        imports.insert(Import { from, line, to, path: path.text(), is_passed_on });
                    }
                }
            }
        }
        imports.into_iter().collect()
    }

    /// Gives the imports of all names of a module, which hide the names that are used.
    pub fn globs(&self) -> Vec<String> {
        let mut globs = Vec::new();
        for (file, module) in self.modules.values() {
            for used in module.uses.iter().filter(|used| used.name == "*") {
                let targets = self.targets(&module.path, front(&used.path), &mut Vec::new());
                if targets.iter().any(|target| matches!(target, Target::Module(_))) {
                    globs.push(format!(
                        "src/{file}:{}: `{}` imports all names of a module",
                        used.path.line,
                        used.path.text()
                    ));
                }
            }
        }
        globs
    }

    /// `impl` blocks in one file of a type that is defined in another: file, line, type, and the file of the type.
    pub fn methods_outside(&self) -> Vec<Import> {
        let mut outside = Vec::new();
        for (file, module) in self.modules.values() {
            for path in &module.implemented {
                for target in self.targets(&module.path, &path.words, &mut Vec::new()) {
                    let to = self.modules[target.module()].0.clone();
                    let (from, line, path) = (file.clone(), path.line, path.text());
                    outside.push(Import { from, line, to, path, is_passed_on: false });
                }
            }
        }
        outside
    }

    /// The meanings that a path in a module can have in this crate; nothing if it leads out of it.
    fn targets(&self, module: &[String], words: &[String], seen: &mut Vec<(Vec<String>, Vec<String>)>) -> Vec<Target> {
        let step = (module.to_vec(), words.to_vec());
        if seen.contains(&step) {
            return Vec::new();
        }
        seen.push(step);
        let Some((first, rest)) = words.split_first() else { return vec![Target::Module(module.to_vec())] };
        match first.as_str() {
            "crate" => self.within(&[], rest, seen),
            "self" => self.within(module, rest, seen),
            "super" => match module.split_last() {
                // Further words may be `super` again.
                Some((_, outer)) => self.targets(outer, rest, seen),
                None => Vec::new(),
            },
            _ => {
                let mut targets = self.within(module, words, seen);
                if targets.is_empty() && self.is_name_of_the_crate(first) {
                    targets = self.within(&[], rest, seen);
                }
                targets
            }
        }
    }

    /// `extern crate self as name;` at the root gives the crate a name that is known in all modules.
    fn is_name_of_the_crate(&self, name: &str) -> bool {
        let uses = self.modules.get([].as_slice()).map_or([].as_slice(), |(_, root)| &root.uses);
        uses.iter().any(|used| used.name == name && used.path.words == ["crate"])
    }

    /// The meanings that these words have inside a module: its modules, its imports, and its own items.
    fn within(&self, module: &[String], words: &[String], seen: &mut Vec<(Vec<String>, Vec<String>)>) -> Vec<Target> {
        let Some((first, rest)) = words.split_first() else { return vec![Target::Module(module.to_vec())] };
        if first == "super" {
            return self.targets(module, words, seen);
        }
        let Some((_, known)) = self.modules.get(module) else { return Vec::new() };
        if first == "*" {
            return vec![Target::Module(module.to_vec())];
        }
        let mut targets = Vec::new();
        let child = [module, std::slice::from_ref(first)].concat();
        if self.modules.contains_key(&child) {
            targets.extend(self.within(&child, rest, seen));
        }
        for used in known.uses.iter().filter(|used| used.name == *first) {
            match used.path.words.split_first() {
                // `use effect::effect;` starts at the module of that name, not at the name that it brings.
                Some((start, words)) if start == first => {
                    if self.modules.contains_key(&child) {
                        targets.extend(self.within(&child, &[words, rest].concat(), seen));
                    }
                }
                _ => targets.extend(self.targets(module, &[used.path.words.as_slice(), rest].concat(), seen)),
            }
        }
        if targets.is_empty() && known.items.contains(first) {
            targets.push(Target::Item(module.to_vec()));
        }
        if targets.is_empty() {
            for used in known.uses.iter().filter(|used| used.name == "*") {
                for target in self.targets(module, front(&used.path), &mut seen.clone()) {
                    if let Target::Module(path) = target {
                        targets.extend(self.within(&path, words, seen));
                    }
                }
            }
        }
        targets
    }
}

/// The path before its `*`.
fn front(path: &Path) -> &[String] {
    path.words.split_last().map_or(&[], |(_, front)| front)
}
