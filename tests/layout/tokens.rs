//! Rust source as tokens, without comments, texts and numbers: all that paths are written with.

/// A word, `::`, or a single sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub text: String,
    /// The line, counted from 1.
    pub line: usize,
}

impl Token {
    pub fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

pub fn tokens(source: &str) -> Vec<Token> {
    let mut reader = Reader { chars: source.chars().collect(), at: 0, line: 1 };
    std::iter::from_fn(|| reader.next()).collect()
}

struct Reader {
    chars: Vec<char>,
    at: usize,
    line: usize,
}

impl Reader {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn starts_with(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(index, expected)| self.peek(index) == expected)
    }

    fn advance(&mut self, count: usize) {
        let end = (self.at + count).min(self.chars.len());
        self.line += self.chars[self.at..end].iter().filter(|read| **read == '\n').count();
        self.at = end;
    }

    /// Goes on behind the next of this text, or to the end.
    fn advance_behind(&mut self, text: &str) {
        while self.at < self.chars.len() && !self.starts_with(text) {
            self.advance(1);
        }
        self.advance(text.chars().count());
    }

    fn next(&mut self) -> Option<Token> {
        loop {
            let first = *self.chars.get(self.at)?;
            if first.is_whitespace() {
                self.advance(1);
            } else if self.starts_with("//") {
                self.advance_behind("\n");
            } else if self.starts_with("/*") {
                self.skip_block_comment();
            } else if first == '"' {
                self.skip_text();
            } else if first == '\'' {
                self.skip_character_or_lifetime();
            } else if first.is_alphanumeric() || first == '_' {
                if let Some(word) = self.word() {
                    return Some(word);
                }
            } else {
                let text = if self.starts_with("::") { "::".to_owned() } else { first.to_string() };
                let token = Token { line: self.line, text };
                self.advance(token.text.len());
                return Some(token);
            }
        }
    }

    /// Block comments nest.
    fn skip_block_comment(&mut self) {
        self.advance(2);
        while self.at < self.chars.len() && !self.starts_with("*/") {
            if self.starts_with("/*") { self.skip_block_comment() } else { self.advance(1) }
        }
        self.advance(2);
    }

    /// Skips a text from its opening quote.
    fn skip_text(&mut self) {
        self.advance(1);
        while self.at < self.chars.len() && self.peek(0) != '"' {
            self.advance(if self.peek(0) == '\\' { 2 } else { 1 });
        }
        self.advance(1);
    }

    fn skip_character_or_lifetime(&mut self) {
        if self.peek(1) == '\\' {
            self.advance(3);
            self.advance_behind("'");
        } else if self.peek(2) == '\'' {
            self.advance(3);
        } else {
            self.advance(1);
            while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
                self.advance(1);
            }
        }
    }

    /// A word; none if it was a number or the prefix of a text.
    fn word(&mut self) -> Option<Token> {
        let line = self.line;
        let start = self.at;
        let is_raw = self.starts_with("r#") && (self.peek(2).is_alphabetic() || self.peek(2) == '_');
        self.advance(if is_raw { 2 } else { 0 });
        let name = self.at;
        while self.peek(0).is_alphanumeric() || self.peek(0) == '_' {
            self.advance(1);
        }
        let text: String = self.chars[name..self.at].iter().collect();
        if ["r", "br", "cr"].contains(&text.as_str()) && ['"', '#'].contains(&self.peek(0)) {
            self.skip_raw_text();
            return None;
        }
        let is_number = self.chars[start].is_numeric();
        (!is_number).then_some(Token { text, line })
    }

    /// Skips a raw text from the signs before its opening quote.
    fn skip_raw_text(&mut self) {
        let signs = (0..).take_while(|ahead| self.peek(*ahead) == '#').count();
        self.advance(signs + 1);
        self.advance_behind(&format!("\"{}", "#".repeat(signs)));
    }
}
