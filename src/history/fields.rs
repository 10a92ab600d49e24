//! [`Event`] and [`Fields`]: an event that is being read, and its fields or those of a message in it, with errors that name the
//! event.

use serde_json::{Map, Value};

use super::HistoryProblem;
use super::times;
use crate::program::{Span, Time};

/// The fields of an event, or of a message in it. A field that is not there has its default, as in Protocol Buffers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    id: u64,
    event_type: &'a str,
    /// `None` has no fields.
    map: Option<&'a Map<String, Value>>,
    /// Says whether the payloads are for code of an SDK, which gets them with their metadata.
    pub(super) has_envelopes: bool,
}

impl<'a> Fields<'a> {
    /// The fields of an event with this id and type.
    pub(super) fn new(id: u64, event_type: &'a str, map: Option<&'a Map<String, Value>>) -> Fields<'a> {
        Fields { id, event_type, map, has_envelopes: false }
    }

    /// The same for code of an SDK, or for native code.
    pub(super) fn with_envelopes(self, has_envelopes: bool) -> Fields<'a> {
        Fields { has_envelopes, ..self }
    }

    /// The error that says why the event cannot be read.
    pub(super) fn malformed(self, why: impl Into<String>) -> HistoryProblem {
        HistoryProblem::Malformed { id: self.id, event_type: self.event_type.to_owned(), why: why.into() }
    }

    /// The error that says which feature is not simulated, in words with their verb.
    pub(super) fn not_simulated(self, what: impl Into<String>) -> HistoryProblem {
        HistoryProblem::NotSimulated { id: self.id, event_type: self.event_type.to_owned(), what: what.into() }
    }

    /// The value of a field, by its name in camelCase. Tools may write the names of the messages' own files instead.
    pub(super) fn get(self, name: &str) -> Option<&'a Value> {
        let map = self.map?;
        let value = map.get(name).or_else(|| if map.is_empty() { None } else { map.get(&snake(name)) });
        value.filter(|value| !value.is_null())
    }

    /// The field is not what it should be.
    pub(super) fn wrong(self, name: &str, wanted: &str) -> HistoryProblem {
        self.malformed(format!("its `{name}` is not {wanted}"))
    }

    /// The message in a field.
    pub(super) fn message(self, name: &str) -> Result<Option<Fields<'a>>, HistoryProblem> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields { map: Some(map), ..self })),
            Some(_) => Err(self.wrong(name, "an object")),
        }
    }

    /// The message in a field, without fields where there is none.
    pub(super) fn message_or_empty(self, name: &str) -> Result<Fields<'a>, HistoryProblem> {
        Ok(self.message(name)?.unwrap_or(Fields { map: None, ..self }))
    }

    /// The text in a field.
    pub(super) fn text(self, name: &str) -> Result<&'a str, HistoryProblem> {
        match self.get(name) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(self.wrong(name, "text")),
        }
    }

    /// The text in a field, which has to be there.
    pub(super) fn required(self, name: &str) -> Result<&'a str, HistoryProblem> {
        match self.text(name)? {
            "" => Err(self.malformed(format!("it has no `{name}`"))),
            text => Ok(text),
        }
    }

    /// The name in the message of a field: `{"activityType": {"name": "copy"}}`.
    pub(super) fn name_in(self, name: &str) -> Result<&'a str, HistoryProblem> {
        match self.message_or_empty(name)?.text("name")? {
            "" => Err(self.malformed(format!("it has no `{name}`"))),
            text => Ok(text),
        }
    }

    /// The number in a field, which may be written as text.
    pub(super) fn number(self, name: &str) -> Result<u64, HistoryProblem> {
        let number = match self.get(name) {
            None => Some(0),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_u64().or_else(|| whole(value.as_f64()?)),
        };
        number.ok_or_else(|| self.wrong(name, "a number"))
    }

    /// The number in a field of 32 bits.
    pub(super) fn small_number(self, name: &str) -> Result<u32, HistoryProblem> {
        u32::try_from(self.number(name)?).map_err(|_| self.wrong(name, "a number of 32 bits"))
    }

    /// The switch in a field.
    pub(super) fn flag(self, name: &str) -> Result<bool, HistoryProblem> {
        match self.get(name) {
            None => Ok(false),
            Some(value) => value.as_bool().ok_or_else(|| self.wrong(name, "`true` or `false`")),
        }
    }

    /// The length of time in a field.
    pub(super) fn span(self, name: &str) -> Result<Span, HistoryProblem> {
        match self.text(name)? {
            "" => Ok(Span::ZERO),
            text => times::duration(text).ok_or_else(|| self.wrong(name, "a length of time such as `1.500s`")),
        }
    }

    /// The name of a value of an enum without its prefix, in upper case and without `_`, whichever way it is spelled:
    /// `RETRY_STATE_CANCEL_REQUESTED` and `CancelRequested` are `CANCELREQUESTED`.
    pub(super) fn choice(self, name: &str, prefix: &str) -> Result<String, HistoryProblem> {
        let text = self.text(name)?;
        Ok(text.strip_prefix(prefix).unwrap_or(text).replace('_', "").to_ascii_uppercase())
    }
}

/// An event that is being read.
#[derive(Clone, Copy)]
pub(super) struct Event<'a> {
    pub(super) known: &'static str,
    pub(super) at: Time,
    pub(super) fields: Fields<'a>,
}

/// A number without a fraction. A list of events is never so long that one has no exact number.
fn whole(number: f64) -> Option<u64> {
    (number >= 0.0 && number.fract() == 0.0 && number < 9e15).then_some(number as u64)
}

/// Turns `activityId` into `activity_id`.
fn snake(camel: &str) -> String {
    let mut name = String::with_capacity(camel.len() + 4);
    for letter in camel.chars() {
        if letter.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_read_in_each_way_in_which_tools_write_it() {
        let value = json!({
            "eventId": "5", "count": 7, "whole": 3.0, "snake_case": "x", "nothing": null, "text": "1.5s",
            "state": "RETRY_STATE_TIMEOUT", "older": "MaximumAttemptsReached", "list": [],
        });
        let fields = Fields::new(5, "TIMER_STARTED", value.as_object());
        assert_eq!((fields.number("eventId"), fields.number("count")), (Ok(5), Ok(7)));
        assert_eq!((fields.number("whole"), fields.number("absent"), fields.number("nothing")), (Ok(3), Ok(0), Ok(0)));
        assert_eq!((fields.text("snakeCase"), fields.text("absent")), (Ok("x"), Ok("")));
        assert_eq!(fields.span("text"), Ok(Span::from_millis(1500)));
        assert_eq!(fields.choice("state", "RETRY_STATE_").unwrap(), "TIMEOUT");
        assert_eq!(fields.choice("older", "RETRY_STATE_").unwrap(), "MAXIMUMATTEMPTSREACHED");
        let why = fields.number("text").unwrap_err().to_string();
        assert_eq!(why, "event 5 (TIMER_STARTED) cannot be read: its `text` is not a number");
        assert!(fields.text("list").is_err() && fields.flag("text").is_err() && fields.message("text").is_err());
        assert!(fields.required("absent").is_err() && fields.name_in("absent").is_err());
    }
}
