//! [`Kept`]: one file of golden texts, made of sections.

/// A file of golden texts: sections, each with a heading.
pub struct Kept {
    name: &'static str,
    text: String,
}

impl Kept {
    /// An empty file, `tests/golden/<name>.snap`.
    pub fn new(name: &'static str) -> Kept {
        Kept { name, text: String::new() }
    }

    /// Adds a section.
    pub fn add(&mut self, heading: &str, body: &str) {
        self.text += &format!("=== {heading}\n{}\n\n", body.trim_end());
    }

    /// Compares all sections with the file.
    #[track_caller]
    pub fn assert(self) {
        insta::with_settings!(
            { snapshot_path => ".", prepend_module_to_snapshot => false, omit_expression => true },
            { insta::assert_snapshot!(self.name, self.text) }
        );
    }
}

/// The longest text that a line shows whole.
const LONGEST: usize = 1000;

/// Text on one line. A longer one is cut, and its length and a fingerprint of all of it stand for the rest.
pub fn on_one_line(text: &str) -> String {
    let line = text.replace('\\', "\\\\").replace('\n', "\\n");
    if line.chars().count() <= LONGEST {
        return line;
    }
    let begin: String = line.chars().take(LONGEST / 4).collect();
    format!("{begin} .. {} bytes, fingerprint {:016x}", text.len(), fingerprint(text.as_bytes()))
}

/// FNV-1a.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
