//! Which role an address asks for. Pure, and the only place that says so.

use axum::http::Method;
use config::Settings;
use index::archive::access::Role;

use crate::{hubs, opml};

/// What a form puts around the file in it, in bytes.
const ROOM_FOR_A_FORM: usize = 4 << 10;

/// Answered without login: what a load balancer and the login page need.
pub(crate) fn is_open(path: &str) -> bool {
    let doors = ["/login", "/login/oidc", super::oidc::CALLBACK];
    matches!(path, "/livez" | "/readyz" | "/favicon.ico")
        || doors.contains(&path)
        || path.starts_with("/static/")
        || is_of_hub(path)
}

/// Whether the hubs of feeds call here; they show who they are by a secret in the address.
pub(crate) fn is_of_hub(path: &str) -> bool {
    path.starts_with(hubs::CALLBACK)
}

/// Whether `method` changes nothing.
pub(crate) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// The role that somebody needs to ask for `path` with `method`.
pub(crate) fn role_for(method: &Method, path: &str) -> Role {
    // These read only, or concern nobody but whoever asks.
    let is_for_all = matches!(path, "/mcp" | "/logout" | "/settings/password");
    if is_safe(method) || is_for_all {
        return Role::Reader;
    }
    // To try a source out changes nothing here.
    let is_trial = matches!(path, "/sources/test" | "/v1/sources/test");
    let is_for_admins =
        ["/settings", "/v1/opml", "/sources", "/v1/sources"].iter().any(|it| is_below(path, it))
            && !is_trial;
    if is_for_admins { Role::Admin } else { Role::Analyst }
}

/// Bytes that the body of a request for `path` may have: lists of sources are long, and hubs send
/// whole feeds.
pub(crate) fn body_bytes_max(path: &str, settings: &Settings) -> usize {
    let usual = settings.http.request_body_max_bytes;
    if matches!(path, "/v1/opml" | "/sources/opml") {
        usual.max(opml::LIST_BYTES_MAX + ROOM_FOR_A_FORM)
    } else if is_of_hub(path) {
        settings.fetch.body_max_bytes
    } else {
        usual
    }
}

fn is_below(path: &str, parent: &str) -> bool {
    path.strip_prefix(parent).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, path: &str, expected: Role) {
        assert_eq!(role_for(&method.parse().unwrap(), path), expected, "{method} {path}");
    }

    #[test]
    fn lists_and_feeds_may_be_longer_than_other_bodies() {
        let mut settings = Settings::default();
        let max = |path: &str, settings: &Settings| body_bytes_max(path, settings);
        assert_eq!(max("/v1/saved-searches", &settings), settings.http.request_body_max_bytes);
        assert_eq!(max("/websub/x", &settings), settings.fetch.body_max_bytes);
        assert!(opml::LIST_BYTES_MAX < max("/v1/opml", &settings));
        settings.http.request_body_max_bytes = 100 << 20;
        assert_eq!(max("/sources/opml", &settings), 100 << 20);
    }

    #[test]
    fn reading_is_for_all_and_changing_is_not() {
        check("GET", "/v1/search", Role::Reader);
        check("GET", "/settings", Role::Reader);
        check("POST", "/mcp", Role::Reader);
        check("POST", "/v1/saved-searches", Role::Analyst);
        check("DELETE", "/v1/saved-searches/x", Role::Analyst);
        check("POST", "/v1/articles", Role::Analyst);
        check("DELETE", "/v1/articles/x", Role::Analyst);
        check("POST", "/articles/x/remove", Role::Analyst);
        check("POST", "/v1/articles/x/restore", Role::Analyst);
        check("POST", "/articles/x/restore", Role::Analyst);
        check("POST", "/v1/sources/test", Role::Analyst);
        check("POST", "/sources/test", Role::Analyst);
        check("POST", "/v1/sources", Role::Admin);
        check("DELETE", "/v1/sources/x", Role::Admin);
        check("POST", "/v1/sources/x/restore", Role::Admin);
        check("POST", "/sources/x/restore", Role::Admin);
        check("POST", "/alerts/searches/x/restore", Role::Analyst);
        check("POST", "/sources/opml", Role::Admin);
        check("PUT", "/v1/opml", Role::Admin);
        check("POST", "/settings/users", Role::Admin);
        check("POST", "/settings/password", Role::Reader);
        check("POST", "/settingsx", Role::Analyst);
        check("PATCH", "/anything/new", Role::Analyst);
    }

    #[test]
    fn only_what_a_stranger_needs_is_open() {
        for path in ["/livez", "/login", "/login/oidc/callback", "/static/app.css", "/websub/x"] {
            assert!(is_open(path), "{path}");
        }
        for path in
            ["/", "/metrics", "/openapi.json", "/v1/search", "/staticx", "/login/x", "/websub"]
        {
            assert!(!is_open(path), "{path}");
        }
    }
}
