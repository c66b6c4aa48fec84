//! Query strings and forms with repeated parameters, checked by name.

use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::de::DeserializeOwned;
use url::form_urlencoded;

use crate::error::ApiError;

/// Parameters in one query string.
const N_PARAMS_MAX: usize = 100;
/// Items of a list when the caller does not say.
const LIMIT_DEFAULT: usize = 50;
/// Items of a list at most.
const LIMIT_MAX: usize = 200;

/// The parameters of a query string in order, decoded; undecodable bytes become U+FFFD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads `query`, the part after the question mark.
    pub(crate) fn parse(query: &str) -> Result<Params, ApiError> {
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .filter(|(_, value)| !value.trim().is_empty())
            .take(N_PARAMS_MAX + 1)
            .collect();
        if pairs.len() > N_PARAMS_MAX {
            return Err(ApiError::invalid_parameter(&pairs[0].0, "more than 100 parameters"));
        }
        Ok(Params(pairs))
    }

    /// Fails on the first parameter that is not in `known`.
    pub(crate) fn only(self, known: &[&str]) -> Result<Params, ApiError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => {
                let reason = format!("unknown; known are {}", known.join(", "));
                Err(ApiError::invalid_parameter(name, reason))
            }
            None => Ok(self),
        }
    }

    /// The last value of `name`; blank counts as absent.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// All values of `name` in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The value of `name` read as a `T`.
    pub(crate) fn parsed<T: FromStr>(&self, name: &str) -> Result<Option<T>, ApiError>
    where
        T::Err: std::fmt::Display,
    {
        let read = self.get(name).map(|it| it.trim().parse());
        read.transpose().map_err(|error| ApiError::invalid_parameter(name, error))
    }

    /// The instant at which `name` begins: a day (its first moment in UTC) or an RFC 3339 time.
    pub(crate) fn begin_of(&self, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
        self.get(name).map(|it| instant(name, it.trim(), TimeDelta::zero())).transpose()
    }

    /// The instant before which `name` ends: the end of a day (in UTC) or an RFC 3339 time.
    pub(crate) fn end_of(&self, name: &str) -> Result<Option<DateTime<Utc>>, ApiError> {
        self.get(name).map(|it| instant(name, it.trim(), TimeDelta::days(1))).transpose()
    }

    /// The value of `name` as one of the names of a `T`.
    pub(crate) fn named<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let read = self.get(name).map(|it| serde_json::from_value(it.trim().into()));
        read.transpose().map_err(|error| ApiError::invalid_parameter(name, error))
    }

    /// How many items a list shall have: `limit`, 50 when absent.
    pub(crate) fn limit(&self) -> Result<usize, ApiError> {
        let limit = self.parsed::<usize>("limit")?.unwrap_or(LIMIT_DEFAULT);
        if (1..=LIMIT_MAX).contains(&limit) {
            return Ok(limit);
        }
        Err(ApiError::invalid_parameter("limit", format_args!("not within 1 and {LIMIT_MAX}")))
    }

    /// All parameters in order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

fn instant(name: &str, text: &str, added: TimeDelta) -> Result<DateTime<Utc>, ApiError> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let at = day.and_time(NaiveTime::MIN).and_utc().checked_add_signed(added);
        return at.ok_or_else(|| ApiError::invalid_parameter(name, "out of range"));
    }
    let at = DateTime::parse_from_rfc3339(text).map(|it| it.with_timezone(&Utc));
    at.map_err(|_| {
        ApiError::invalid_parameter(name, "neither a day (2026-01-31) nor an RFC 3339 time")
    })
}

/// The fields of a form, read as a query string is.
pub(crate) struct Form(pub(crate) Params);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Form, ApiError> {
        let body = Bytes::from_request(request, state).await;
        let body = body.map_err(|error| ApiError::of_status(error.status()))?;
        Params::parse(&String::from_utf8_lossy(&body)).map(Form)
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Params, ApiError> {
        Params::parse(parts.uri.query().unwrap_or_default())
    }
}
