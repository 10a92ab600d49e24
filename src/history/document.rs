//! The text as a whole: where its events are, and what is wrong where there are none.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::HistoryProblem;
use super::event::Reader;
use super::recorded::Recorded;

/// Reads a history: `{"events": [..]}`, the answer of the API that has it as `{"history": {"events": [..]}}`, or the bare list.
///
/// One event is in memory as JSON at a time. `has_envelopes` says by the type of a workflow whether its code is an SDK's, which gets
/// the metadata of payloads.
///
/// # Errors
/// The error says what is wrong with the text, and where.
pub fn read(json: &str, has_envelopes: &dyn Fn(&str) -> bool) -> Result<Recorded, HistoryProblem> {
    // Editors and shells of some systems put a mark of the byte order first.
    let json = json.strip_prefix('\u{feff}').unwrap_or(json);
    let reader = Reader::new(has_envelopes);
    let mut found = Found { reader, begun: false, has_events: false, has_more: false, problem: None };
    let mut text = serde_json::Deserializer::from_str(json);
    let read = Document(&mut found).deserialize(&mut text).and_then(|()| text.end());
    if let Some(problem) = found.problem {
        return Err(problem);
    }
    let events = found.reader.events();
    match read {
        Ok(()) if found.has_more => {
            Err(HistoryProblem::CutOff { events, why: "its `nextPageToken` says that there are more pages".to_owned() })
        }
        Ok(()) if !found.has_events => {
            Err(HistoryProblem::NotAHistory { why: "it has no list of `events`".to_owned() })
        }
        Ok(()) => found.reader.finish(),
        Err(why) if why.is_eof() && found.begun => Err(HistoryProblem::CutOff { events, why: why.to_string() }),
        Err(why) if why.is_data() => Err(HistoryProblem::NotAHistory { why: why.to_string() }),
        Err(why) => Err(HistoryProblem::NotJson { why: why.to_string() }),
    }
}

/// The things that were found in the text so far.
struct Found<'p> {
    reader: Reader<'p>,
    /// Says whether the text has begun as JSON of a history does.
    begun: bool,
    has_events: bool,
    /// Says whether the service has more events than these.
    has_more: bool,
    problem: Option<HistoryProblem>,
}

/// The text, or the history in it.
struct Document<'f, 'p>(&'f mut Found<'p>);

impl<'de> DeserializeSeed<'de> for Document<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of `events`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        self.0.begun = true;
        while let Some(name) = fields.next_key::<String>()? {
            match &*name {
                "events" => fields.next_value_seed(Events(&mut *self.0))?,
                "history" => fields.next_value_seed(Document(&mut *self.0))?,
                "nextPageToken" | "next_page_token" => {
                    let token: Value = fields.next_value()?;
                    self.0.has_more |= token.as_str().is_some_and(|token| !token.is_empty());
                }
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, events: A) -> Result<(), A::Error> {
        self.0.begun = true;
        Events(self.0).visit_seq(events)
    }
}

/// The list of events.
struct Events<'f, 'p>(&'f mut Found<'p>);

impl<'de> DeserializeSeed<'de> for Events<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<(), D::Error> {
        text.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Events<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut events: A) -> Result<(), A::Error> {
        self.0.has_events = true;
        while let Some(event) = events.next_element::<Value>()? {
            if let Err(problem) = self.0.reader.take(&event) {
                self.0.problem = Some(problem);
                return Err(A::Error::custom("an event cannot be read"));
            }
        }
        Ok(())
    }
}
