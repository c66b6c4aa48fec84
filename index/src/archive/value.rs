//! Between Rust values and the columns that hold them.

use std::borrow::Cow;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

/// Microseconds since 1970 UTC.
pub(super) fn micros(at: DateTime<Utc>) -> i64 {
    at.timestamp_micros()
}

/// The instant of a stored number; numbers beyond chrono's years become the nearest instant.
pub(super) fn instant(micros: i64) -> DateTime<Utc> {
    let nearest = if micros < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::from_timestamp_micros(micros).unwrap_or(nearest)
}

/// `text` without NUL characters, which PostgreSQL refuses; each becomes U+FFFD, so that the
/// number of characters stays and offsets keep their meaning.
pub(super) fn clean(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { text.replace('\0', "\u{fffd}").into() } else { text.into() }
}

/// JSON of a value of ours; strings as keys and finite numbers only, so this cannot fail.
pub(super) fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("our own types serialise")
}

/// Column `name` of `row` in its plain type.
pub(super) fn get<'r, T>(row: &'r AnyRow, name: &str) -> Result<T, sqlx::Error>
where
    T: Decode<'r, Any> + Type<Any>,
{
    row.try_get(name)
}

/// Column `name` as an instant.
pub(super) fn get_instant(row: &AnyRow, name: &str) -> Result<DateTime<Utc>, sqlx::Error> {
    Ok(instant(get(row, name)?))
}

/// Column `name` as an instant, or `None` for NULL.
pub(super) fn get_instant_opt(
    row: &AnyRow,
    name: &str,
) -> Result<Option<DateTime<Utc>>, sqlx::Error> {
    Ok(get::<Option<i64>>(row, name)?.map(instant))
}

/// Column `name` as a flag stored as 0 or 1.
pub(super) fn get_flag(row: &AnyRow, name: &str) -> Result<bool, sqlx::Error> {
    Ok(get::<i64>(row, name)? != 0)
}

/// Column `name` as a count.
pub(super) fn get_count(row: &AnyRow, name: &str) -> Result<u64, sqlx::Error> {
    Ok(get::<i64>(row, name)?.max(0) as u64)
}

/// Column `name` parsed from its text form.
pub(super) fn get_parsed<T>(row: &AnyRow, name: &str) -> Result<T, sqlx::Error>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    get::<&str>(row, name)?.parse().map_err(|error| unreadable(name, error))
}

/// Column `name` parsed from its text form, or `None` for NULL.
pub(super) fn get_parsed_opt<T>(row: &AnyRow, name: &str) -> Result<Option<T>, sqlx::Error>
where
    T: FromStr,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    let text = get::<Option<&str>>(row, name)?;
    text.map(|it| it.parse().map_err(|error| unreadable(name, error))).transpose()
}

/// Column `name` read as JSON.
pub(super) fn get_json<T: DeserializeOwned>(row: &AnyRow, name: &str) -> Result<T, sqlx::Error> {
    from_json(name, get::<&str>(row, name)?)
}

/// `text` of column `name` read as JSON.
pub(super) fn from_json<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(text).map_err(|error| unreadable(name, error))
}

/// Column `name` holds something that is none of ours.
pub(super) fn unreadable(
    name: &str,
    error: impl std::error::Error + Send + Sync + 'static,
) -> sqlx::Error {
    sqlx::Error::ColumnDecode { index: name.to_owned(), source: Box::new(error) }
}

/// The bytes of an embedding: 32-bit floats, little-endian.
pub(super) fn embedding_bytes(embedding: &[f32]) -> Vec<u8> {
    embedding.iter().flat_map(|it| it.to_le_bytes()).collect()
}

/// The embedding that `bytes` hold; a torn last number is dropped.
pub(super) fn embedding_of(bytes: &[u8]) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().map(|&it| f32::from_le_bytes(it)).collect()
}
