//! Heartbeats: their details come from the SDK's context for tests as values, whose types have to be known.

use std::any::{Any, TypeId};
use std::collections::BTreeMap;
use std::fmt;

use durasim::program::ActivityLink;
use temporalio_common::data_converters::{
    GenericPayloadConverter, PayloadConversionError, PayloadConverter, SerializationContext, TemporalSerializable,
};

use super::serialization;
use crate::payload::into_core;
use crate::place;
use crate::sdk::ProtoPayload;
use crate::settings::Settings;

type Encode = fn(&dyn Any, &PayloadConverter) -> Result<Vec<ProtoPayload>, PayloadConversionError>;

/// The types of heartbeat details that are known.
#[derive(Clone)]
pub(crate) struct HeartbeatTypes(BTreeMap<TypeId, Encode>);

impl HeartbeatTypes {
    pub(crate) fn add<T: TemporalSerializable + 'static>(&mut self) {
        self.0.insert(TypeId::of::<T>(), encode::<T>);
    }
}

macro_rules! known {
    ($($plain:ty),+) => {{
        let mut types = HeartbeatTypes(BTreeMap::new());
        $(
            types.add::<$plain>();
            types.add::<Option<$plain>>();
            types.add::<Vec<$plain>>();
        )+
        types
    }};
}

impl Default for HeartbeatTypes {
    fn default() -> HeartbeatTypes {
        let mut types = known![
            u8,
            u16,
            u32,
            u64,
            u128,
            usize,
            i8,
            i16,
            i32,
            i64,
            i128,
            isize,
            f32,
            f64,
            bool,
            char,
            String,
            serde_json::Value
        ];
        types.add::<()>();
        types.add::<&'static str>();
        types.add::<(u32, u32)>();
        types.add::<(u64, u64)>();
        types.add::<(usize, usize)>();
        types
    }
}

impl fmt::Debug for HeartbeatTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeartbeatTypes({})", self.0.len())
    }
}

fn encode<T: TemporalSerializable + 'static>(
    details: &dyn Any,
    converter: &PayloadConverter,
) -> Result<Vec<ProtoPayload>, PayloadConversionError> {
    let details = details.downcast_ref::<T>().ok_or(PayloadConversionError::WrongEncoding)?;
    let data = serialization();
    converter.to_payloads(&SerializationContext::new(&data, converter), details)
}

/// Records a heartbeat of an attempt at the activity of this name. Details without any payload, which `()` has, are none: that
/// heartbeat erases the checkpoint, as the SDK's worker and the server have it.
pub(crate) fn record_heartbeat(details: &dyn Any, link: &dyn ActivityLink, activity: &str) {
    const CALL: &str = "ctx.record_heartbeat";
    place::note(CALL);
    let extensions = link.extensions();
    let settings = Settings::of(&extensions);
    let Some(encode) = settings.heartbeat_types.0.get(&details.type_id()) else {
        place::note_always(CALL);
        return link.misuse(format!(
            "activity `{activity}` records a heartbeat whose details are of a type that the simulation does not know, since the \
             SDK's context for tests does not encode them: add `.heartbeat_type::<T>()` to the simulation, with the type `T` of \
             what `record_heartbeat` is given"
        ));
    };
    match encode(details, settings.converter.payload_converter()) {
        Ok(payloads) if payloads.is_empty() => link.heartbeat(None).obey(),
        Ok(payloads) => link.heartbeat(Some(into_core(&payloads).as_bytes())).obey(),
        Err(why) => {
            place::note_always(CALL);
            link.misuse(format!(
                "the heartbeat details of activity `{activity}` cannot be encoded: {why}. In production \
                 `record_heartbeat` gives that error to the code; here it ends the run, since the SDK's context for tests \
                 cannot give it"
            ));
        }
    }
}
