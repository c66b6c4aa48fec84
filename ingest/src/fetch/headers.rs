//! What response headers say about when to ask again.

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::header::{self, HeaderMap, HeaderName};

/// The longest wait that a header can ask for.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3_600);

/// `Retry-After`, in seconds or as a date; at most a day.
///
/// A date is compared with the server's own `Date`; where that is missing, with `now`.
pub fn retry_after(headers: &HeaderMap, now: Option<DateTime<Utc>>) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?;
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => (http_date(value)? - date(headers).or(now)?).to_std().ok()?,
    };
    Some(wait.min(WAIT_MAX))
}

/// How long the answer stays fresh by `Cache-Control: max-age`, else by `Expires`; at most a day.
pub(super) fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let control = text(headers, header::CACHE_CONTROL).unwrap_or_default().to_ascii_lowercase();
    let directives: Vec<&str> = control.split(',').map(str::trim).collect();
    if directives.iter().any(|it| matches!(*it, "no-cache" | "no-store")) {
        return None;
    }
    let max_age = directives.iter().find_map(|it| it.strip_prefix("max-age="));
    let fresh = match max_age {
        Some(seconds) => Duration::from_secs(seconds.trim_matches('"').parse().ok()?),
        None => {
            let expires = http_date(text(headers, header::EXPIRES)?)?;
            (expires - date(headers)?).to_std().ok()?
        }
    };
    (!fresh.is_zero()).then_some(fresh.min(WAIT_MAX))
}

/// A header's value, if it is text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|it| !it.is_empty())
}

fn date(headers: &HeaderMap) -> Option<DateTime<Utc>> {
    http_date(text(headers, header::DATE)?)
}

/// Parses an HTTP date (RFC 9110, section 5.6.7); the two obsolete forms are read, too.
fn http_date(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = DateTime::parse_from_rfc2822(text) {
        return Some(date.to_utc());
    }
    ["%A, %d-%b-%y %H:%M:%S GMT", "%a %b %e %H:%M:%S %Y"]
        .iter()
        .find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok())
        .map(|it| it.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn retry_after_is_read_in_seconds_and_as_a_date() {
        let seconds = headers(&[(header::RETRY_AFTER, "120")]);
        assert_eq!(retry_after(&seconds, None), Some(Duration::from_secs(120)));
        let date = headers(&[
            (header::DATE, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (header::RETRY_AFTER, "Wed, 21 Oct 2015 07:29:30 GMT"),
        ]);
        assert_eq!(retry_after(&date, None), Some(Duration::from_secs(90)));
        let past = headers(&[
            (header::DATE, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (header::RETRY_AFTER, "Wed, 21 Oct 2015 07:20:00 GMT"),
        ]);
        assert_eq!(retry_after(&past, None), None);
        let absurd = headers(&[(header::RETRY_AFTER, "99999999999")]);
        assert_eq!(retry_after(&absurd, None), Some(WAIT_MAX));
    }

    #[test]
    fn a_date_without_the_servers_own_is_compared_with_our_clock() {
        let until = headers(&[(header::RETRY_AFTER, "Wed, 21 Oct 2015 07:29:30 GMT")]);
        let now = http_date("Wed, 21 Oct 2015 07:29:00 GMT");
        assert_eq!(retry_after(&until, now), Some(Duration::from_secs(30)));
        assert_eq!(retry_after(&until, None), None);
        let own = headers(&[
            (header::DATE, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (header::RETRY_AFTER, "Wed, 21 Oct 2015 07:29:30 GMT"),
        ]);
        assert_eq!(retry_after(&own, now), Some(Duration::from_secs(90)), "the server's own wins");
    }

    #[test]
    fn freshness_comes_from_max_age_before_expires() {
        let both = headers(&[
            (header::CACHE_CONTROL, "public, max-age=600"),
            (header::DATE, "Wed, 21 Oct 2015 07:28:00 GMT"),
            (header::EXPIRES, "Wed, 21 Oct 2015 08:28:00 GMT"),
        ]);
        assert_eq!(fresh_for(&both), Some(Duration::from_secs(600)));
        let expires = headers(&[
            (header::DATE, "Wednesday, 21-Oct-15 07:28:00 GMT"),
            (header::EXPIRES, "Wed Oct 21 08:28:00 2015"),
        ]);
        assert_eq!(fresh_for(&expires), Some(Duration::from_secs(3_600)));
        let none = headers(&[(header::CACHE_CONTROL, "no-cache, max-age=600")]);
        assert_eq!(fresh_for(&none), None);
        let broken = headers(&[(header::EXPIRES, "0")]);
        assert_eq!(fresh_for(&broken), None);
    }
}
