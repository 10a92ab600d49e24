//! [`Ink`]: colours for a terminal, or none.

use std::fmt;

use console::Style;

/// True if a text is for a terminal that shows colours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ink {
    Plain,
    Coloured,
}

impl Ink {
    /// The ink of a failure, which the test harness prints on stdout if it has captured it, and otherwise stands on stderr:
    /// coloured if both are terminals. `NO_COLOR` is obeyed first, then `FORCE_COLOR` and `CLICOLOR_FORCE`, then
    /// `CLICOLOR`.
    pub(crate) fn of_terminal() -> Ink {
        let get = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let is_terminal = || console::colors_enabled() && console::colors_enabled_stderr();
        let is_coloured = match (get("NO_COLOR"), get("FORCE_COLOR").or_else(|| get("CLICOLOR_FORCE"))) {
            (Some(_), _) => false,
            (None, Some(force)) if force != "0" && force != "false" => true,
            // `FORCE_COLOR=0` is how some ask for none.
            (None, _) => get("FORCE_COLOR").is_none() && is_terminal(),
        };
        if is_coloured { Ink::Coloured } else { Ink::Plain }
    }

    fn style(self) -> Style {
        Style::new().force_styling(self == Ink::Coloured)
    }

    /// Paints the wrong value.
    pub(super) fn wrong(self, text: &dyn fmt::Display) -> impl fmt::Display {
        self.style().red().apply_to(text)
    }

    /// Paints the right value.
    pub(super) fn right(self, text: &dyn fmt::Display) -> impl fmt::Display {
        self.style().green().apply_to(text)
    }

    /// Paints the head of a part of the message.
    pub(super) fn heading(self, text: &dyn fmt::Display) -> impl fmt::Display {
        self.style().bold().apply_to(text)
    }

    /// Paints a fault.
    pub(super) fn fault(self, text: &dyn fmt::Display) -> impl fmt::Display {
        self.style().yellow().apply_to(text)
    }

    /// Paints a count of left-out lines.
    pub(super) fn faint(self, text: &dyn fmt::Display) -> impl fmt::Display {
        self.style().dim().apply_to(text)
    }

    /// Paints a command to be typed.
    pub(super) fn command(self, text: &dyn fmt::Display) -> impl fmt::Display {
        self.style().cyan().apply_to(text)
    }
}

#[cfg(test)]
mod tests {
    use super::Ink;

    #[test]
    fn plain_is_plain() {
        assert_eq!(Ink::Plain.wrong(&"gone").to_string(), "gone");
        assert_eq!(Ink::Coloured.wrong(&"gone").to_string(), "\u{1b}[31mgone\u{1b}[0m");
    }
}
