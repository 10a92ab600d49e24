//! [`Decode`]: the trait that inputs, results and details must have.

use serde::de::DeserializeOwned;

use super::payload::decode_json;

/// A value that can be read back from its encoded form: everything that implements serde's `Deserialize` and borrows
/// nothing. There is nothing to implement; derive `serde::Deserialize`.
///
/// Inputs are owned: an activity takes `String`, not `&str`. For a `&str` rustc says only that the "implementation of
/// `Deserialize` is not general enough", at the call that registers the activity or workflow, or that reads the
/// details.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be decoded from JSON",
    label = "not an owned `serde::Deserialize` type",
    note = "inputs and results are owned values: derive `serde::Deserialize`, and take `String` instead of `&str`",
    note = "if the result is not used, say so: `let () = ctx.execute_activity(..).await?;` or `execute_activity::<()>`"
)]
pub trait Decode: Sized + 'static {
    /// Reads a value from JSON.
    ///
    /// # Errors
    /// The error is that of `serde_json` for bytes that are not JSON of this type.
    fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + 'static> Decode for T {
    fn decode(bytes: &[u8]) -> Result<T, serde_json::Error> {
        decode_json(bytes)
    }
}
