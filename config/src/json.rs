//! Declarations that come as JSON, from programs and out of the archive, read as those of files are.

use serde_json::Value as Json;

use crate::error::{ConfigError, ConfigErrors};
use crate::reader::Reader;
use crate::taxonomy::Taxonomy;
use crate::value::Value;

/// Reads a `T`, called `what` in messages, from an object with the keys of `keys_of`; `null` counts
/// as absent. Sectors must be in `taxonomy`, if given. `mistakes` says what no single key can say,
/// with the keys; it is given `None` when single keys are so wrong that there is no `T`.
///
/// # Errors
/// Every mistake, as for a file, but without places.
pub(crate) fn read_json<T: Value>(
    value: &Json,
    (what, keys_of): (&str, &str),
    taxonomy: Option<&Taxonomy>,
    mistakes: impl FnOnce(Option<&T>) -> Vec<(String, String)>,
) -> Result<T, ConfigErrors> {
    let error = |key: Option<String>, message: String| ConfigError {
        origin: what.to_owned(),
        position: None,
        key,
        message,
    };
    let text = toml::to_string(&without_nulls(value)).map_err(|cause| {
        let message = format!("must be a JSON object with the keys of {keys_of}: {cause}");
        ConfigErrors::of(error(None, message))
    })?;
    let sectors = taxonomy.map(Taxonomy::ids);
    let mut reader = Reader::new(what, &text);
    reader.sectors = sectors.as_ref();
    let read = reader.document::<T>();
    let mut errors = std::mem::take(&mut reader.errors);
    let mistakes = mistakes(read.as_ref()).into_iter();
    errors.extend(mistakes.map(|(key, message)| error(Some(key), message)));
    for error in &mut errors {
        // Places in a text that nobody has written help nobody.
        error.position = None;
    }
    ConfigErrors::none_in(errors)?;
    read.ok_or_else(|| ConfigErrors::of(error(None, "cannot be read".to_owned())))
}

/// Without the keys whose value is `null`, which TOML does not know.
fn without_nulls(value: &Json) -> Json {
    match value {
        Json::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect(),
        Json::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}
