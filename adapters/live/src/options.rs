//! [`Options`]: the words of the command.

use std::path::PathBuf;

const USAGE: &str =
    "usage: live --address HOST:PORT --folder FOLDER [--count N] [--seed SEED] [--at-once N] [--only NAME,..]";

/// The words of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The address of the server.
    pub address: String,
    /// The folder that gets the recordings.
    pub folder: PathBuf,
    /// The number of scenarios.
    pub count: u64,
    /// The seed that draws them.
    pub seed: u64,
    /// The number of scenarios that are played at once.
    pub at_once: usize,
    /// The names of those to play; none is all.
    pub only: Vec<String>,
}

impl Options {
    /// Reads them.
    ///
    /// # Errors
    /// The error says which word is wrong, and how the command is used.
    pub fn parse(mut words: impl Iterator<Item = String>) -> Result<Options, String> {
        let mut options = Options {
            address: String::new(),
            folder: PathBuf::new(),
            count: 300,
            seed: 1,
            at_once: 24,
            only: Vec::new(),
        };
        while let Some(name) = words.next() {
            let value = words.next().ok_or_else(|| format!("{name} is followed by nothing; {USAGE}"))?;
            let number = || value.parse().map_err(|_| format!("{name} takes a number, not `{value}`; {USAGE}"));
            match &*name {
                "--address" => options.address = value,
                "--folder" => options.folder = value.into(),
                "--count" => options.count = number()?,
                "--seed" => options.seed = number()?,
                "--at-once" => options.at_once = number()?.max(1) as usize,
                "--only" => options.only = value.split(',').map(str::to_owned).collect(),
                _ => return Err(format!("there is no option {name}; {USAGE}")),
            }
        }
        if options.address.is_empty() || options.folder.as_os_str().is_empty() {
            return Err(USAGE.to_owned());
        }
        Ok(options)
    }
}

#[test]
fn a_wrong_word_is_told() {
    let parse = |words: &str| Options::parse(words.split_whitespace().map(str::to_owned));
    let options = parse("--address a:1 --folder f --count 7 --only x,y").unwrap();
    assert_eq!((options.count, options.seed, options.only.len()), (7, 1, 2));
    for (words, told) in [
        ("--folder f", "usage"),
        ("--address a:1 --folder f --count many", "takes a number"),
        ("--address", "followed by nothing"),
        ("--frob 1", "no option --frob"),
    ] {
        assert!(parse(words).unwrap_err().contains(told), "{words}");
    }
}
