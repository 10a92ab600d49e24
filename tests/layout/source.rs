//! One source file: its modules, the names they have, and every path that is written in them.

use super::tokens::{Token, tokens};

/// A module of a file: the file itself, or one that stands in it with its body.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// The path from the root of the crate.
    pub path: Vec<String>,
    /// Names of modules that have files of their own.
    pub files: Vec<String>,
    /// The names of the items that are defined in it.
    pub items: Vec<String>,
    pub uses: Vec<Use>,
    pub paths: Vec<Path>,
    /// Types that have an `impl` block here which is none of a trait.
    pub implemented: Vec<Path>,
}

/// One name that a `use` brings.
#[derive(Clone, Debug)]
pub struct Use {
    /// `*` for all names of a module.
    pub name: String,
    pub path: Path,
    /// `pub use` in any of its forms.
    pub is_public: bool,
    /// The name is written again outside of `use` lines.
    pub is_used: bool,
}

/// Words between `::`, as they are written.
#[derive(Clone, Debug)]
pub struct Path {
    pub words: Vec<String>,
    pub line: usize,
}

impl Path {
    pub fn text(&self) -> String {
        self.words.join("::")
    }
}

/// Gives the modules of a file, itself first; code that only tests compile is left out.
pub fn modules(path: &[String], source: &str) -> Vec<Module> {
    let mut parser = Parser {
        tokens: tokens(source),
        at: 0,
        depth: 0,
        open: vec![(0, Module { path: path.to_vec(), ..Module::default() })],
        closed: Vec::new(),
        bare: Vec::new(),
    };
    parser.parse();
    let Parser { open, closed, bare, .. } = parser;
    let mut modules: Vec<Module> = open.into_iter().map(|(_, module)| module).chain(closed).collect();
    for used in modules.iter_mut().flat_map(|module| &mut module.uses) {
        used.is_used = bare.contains(&used.name);
    }
    modules
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    /// The number of open braces.
    depth: usize,
    /// The modules that enclose the place of reading, each with the depth of its body.
    open: Vec<(usize, Module)>,
    closed: Vec<Module>,
    /// First words of all paths, also of those that are one word.
    bare: Vec<String>,
}

impl Parser {
    fn peek(&self, ahead: usize) -> &str {
        self.tokens.get(self.at + ahead).map_or("", |token| &token.text)
    }

    fn is_word(&self, ahead: usize) -> bool {
        self.tokens.get(self.at + ahead).is_some_and(Token::is_word)
    }

    fn module(&mut self) -> &mut Module {
        let (_, module) = self.open.last_mut().expect("the file's own module is never closed");
        module
    }

    /// Says whether the place is directly in a module, in no body of an item.
    fn is_at_top(&self) -> bool {
        self.open.last().is_some_and(|(depth, _)| *depth == self.depth)
    }

    fn parse(&mut self) {
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "#" => self.attribute(),
                // This excludes the `use<'a>` of a returned type.
                "use" if self.peek(1) != "<" => self.use_lines(false),
                "pub" => self.visibility(),
                "extern" if self.peek(1) == "crate" => self.extern_crate(),
                "mod" if self.is_word(1) => self.child_module(),
                "impl" if self.is_at_top() => self.implementation(),
                "{" => self.enter(),
                "}" => self.leave(),
                _ => {
                    if self.is_at_top() {
                        self.definition();
                    }
                    self.path();
                }
            }
        }
    }

    fn enter(&mut self) {
        self.depth += 1;
        self.at += 1;
    }

    fn leave(&mut self) {
        if self.open.len() > 1 && self.is_at_top() {
            let (_, module) = self.open.pop().expect("looked at just now");
            self.closed.push(module);
        }
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
    }

    /// Skips the attribute. After `cfg(test)` it skips the item below it, too.
    fn attribute(&mut self) {
        self.at += 1;
        if self.peek(0) == "!" {
            self.at += 1;
        }
        let start = self.at;
        self.skip_block();
        let words: Vec<&str> = self.tokens[start..self.at].iter().map(|token| token.text.as_str()).collect();
        let is_test = words.starts_with(&["[", "cfg", "("])
            && ["test", "doctest"].iter().any(|word| words.contains(word))
            && !words.contains(&"not");
        if is_test {
            self.skip_item();
        }
    }

    /// Skips everything between the bracket here and the one that closes it.
    fn skip_block(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            if depth == 0 {
                return;
            }
        }
    }

    /// Skips further attributes, and up to the item's semicolon or body.
    fn skip_item(&mut self) {
        while self.at < self.tokens.len() {
            match self.peek(0) {
                ";" => {
                    self.at += 1;
                    return;
                }
                "{" => return self.skip_block(),
                "(" | "[" => self.skip_block(),
                _ => self.at += 1,
            }
        }
    }

    fn visibility(&mut self) {
        self.at += 1;
        // This excludes the parentheses of a field that is a tuple.
        if self.peek(0) == "(" && ["crate", "super", "self", "in"].contains(&self.peek(1)) {
            self.skip_block();
        }
        if self.peek(0) == "use" {
            self.use_lines(true);
        }
    }

    fn use_lines(&mut self, is_public: bool) {
        self.at += 1;
        self.use_tree(&mut Vec::new(), is_public);
        // The semicolon.
        self.at += 1;
    }

    /// A tree behind the words before it, up to the comma, brace or semicolon that ends it.
    fn use_tree(&mut self, before: &mut Vec<String>, is_public: bool) {
        let outer = before.len();
        let mut line = self.tokens.get(self.at).map_or(0, |token| token.line);
        loop {
            match self.peek(0) {
                "::" | "$" => self.at += 1,
                "{" => {
                    self.at += 1;
                    while !["}", ";", ""].contains(&self.peek(0)) {
                        self.use_tree(before, is_public);
                        if self.peek(0) == "," {
                            self.at += 1;
                        }
                    }
                    self.at += 1;
                    before.truncate(outer);
                    return;
                }
                "," | ";" | "}" | "" => break,
                "as" => {
                    let name = self.peek(1).to_owned();
                    self.at += 2;
                    self.add_use(name, before, line, is_public);
                    before.truncate(outer);
                    return;
                }
                word => {
                    before.push(word.to_owned());
                    line = self.tokens[self.at].line;
                    self.at += 1;
                }
            }
        }
        if before.len() > 1 && before.last().is_some_and(|last| last == "self") {
            before.pop();
        }
        if let Some(name) = before.last().cloned() {
            self.add_use(name, before, line, is_public);
        }
        before.truncate(outer);
    }

    fn add_use(&mut self, name: String, words: &[String], line: usize, is_public: bool) {
        let words = match words.split_last() {
            Some((last, front)) if last == "self" && !front.is_empty() => front.to_vec(),
            _ => words.to_vec(),
        };
        self.module().uses.push(Use { name, path: Path { words, line }, is_public, is_used: false });
    }

    /// `extern crate self as name;` gives the crate's root another name.
    fn extern_crate(&mut self) {
        let line = self.tokens[self.at].line;
        if self.peek(2) == "self" && self.peek(3) == "as" {
            let name = self.peek(4).to_owned();
            self.add_use(name, &["crate".to_owned()], line, false);
        }
        self.skip_item();
    }

    fn child_module(&mut self) {
        let name = self.peek(1).to_owned();
        if self.peek(2) == "{" {
            let mut path = self.module().path.clone();
            path.push(name);
            self.at += 3;
            self.depth += 1;
            self.open.push((self.depth, Module { path, ..Module::default() }));
        } else {
            self.module().files.push(name);
            self.at += 3;
        }
    }

    /// Notes the type of an `impl` block without a trait, and goes on at its first word.
    fn implementation(&mut self) {
        self.at += 1;
        if self.peek(0) == "<" {
            self.skip_generics();
        }
        let mut ahead = 0;
        while !["{", "for", "where", ";", ""].contains(&self.peek(ahead)) {
            ahead += 1;
        }
        if self.peek(ahead) != "for" && self.is_word(0) {
            let path = self.words();
            self.module().implemented.push(path);
        }
    }

    /// Skips generics; paths in their bounds are read, too.
    fn skip_generics(&mut self) {
        let mut depth = 0;
        while self.at < self.tokens.len() {
            match self.peek(0) {
                "<" => depth += 1,
                ">" if self.tokens[self.at - 1].text != "-" => depth -= 1,
                _ => {}
            }
            if self.is_word(0) {
                self.path()
            } else {
                self.at += 1
            }
            if depth == 0 {
                return;
            }
        }
    }

    fn definition(&mut self) {
        const KEYWORDS: [&str; 9] =
            ["struct", "enum", "union", "trait", "fn", "type", "const", "static", "macro_rules"];
        if KEYWORDS.contains(&self.peek(0)) {
            let ahead = if ["!", "mut"].contains(&self.peek(1)) { 2 } else { 1 };
            if self.is_word(ahead) {
                let name = self.peek(ahead).to_owned();
                self.module().items.push(name);
            }
        }
    }

    /// Takes a path, or any one token.
    fn path(&mut self) {
        if !self.is_word(0) {
            self.at += 1;
            return;
        }
        // Behind `::` this is a path from outside of the crate, or the rest behind a type's generics.
        let is_rooted = self.at == 0 || self.tokens[self.at - 1].text != "::";
        let is_member = self.at > 0 && self.tokens[self.at - 1].text == ".";
        let path = self.words();
        if !is_rooted || is_member {
            return;
        }
        self.bare.push(path.words[0].clone());
        if path.words.len() > 1 {
            self.module().paths.push(path);
        }
    }

    fn words(&mut self) -> Path {
        let line = self.tokens[self.at].line;
        let mut words = vec![self.peek(0).to_owned()];
        self.at += 1;
        while self.peek(0) == "::" && self.is_word(1) {
            words.push(self.peek(1).to_owned());
            self.at += 2;
        }
        Path { words, line }
    }
}
