//! What surrounds every page: title, navigation, assets.

use askama::Template;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderValue};
use axum::response::Response;
use index::archive::access::Role;

use super::text::counted;
use crate::access::Principal;
use crate::error::ApiError;
use crate::handlers::assets::ASSETS;
use crate::handlers::etag;

/// The parts of a page that `base.html` writes.
#[derive(Debug)]
pub(crate) struct Frame {
    /// Title of the window, without "Harbinger".
    pub(crate) title: String,
    /// Address of the style sheet.
    pub(crate) css: &'static str,
    /// Address of the script.
    pub(crate) js: &'static str,
    /// Address of the icon.
    pub(crate) icon: &'static str,
    /// What forms send back; empty where nothing is asked for.
    pub(crate) csrf: String,
    /// Who has logged in; `None` where no login is asked for.
    pub(crate) user: Option<String>,
    /// Whether whoever looks may correct, handle alerts and save searches; forms that would be
    /// refused are not shown.
    pub(crate) may_edit: bool,
    /// Whether the head has a search box; the search page has its own.
    pub(crate) has_search: bool,
    is_at_the_door: bool,
    here: &'static str,
    counts: NavCounts,
}

/// What the navigation counts beside its links.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NavCounts {
    /// Alerts that nobody has handled yet.
    pub(crate) n_new_alerts: u64,
    /// Sources that failed at their last poll.
    pub(crate) n_failing_sources: u64,
}

/// A link of the navigation.
#[derive(Debug)]
pub(crate) struct NavLink {
    pub(crate) href: &'static str,
    pub(crate) label: &'static str,
    pub(crate) is_here: bool,
    /// How much is new there, beside the link; 0 shows nothing.
    pub(crate) n_new: u64,
    /// How many sources fail, beside the link; 0 shows nothing.
    pub(crate) n_failing: u64,
}

impl NavLink {
    /// What fails, in words.
    pub(crate) fn failing(&self) -> String {
        counted(self.n_failing, "source fails", "sources fail")
    }
}

tokio::task_local! {
    /// The counts for the navigation of the page that the current request asks for.
    pub(crate) static NAV_COUNTS: NavCounts;
}

impl Frame {
    /// A frame for the page with this title; `here` is the address of its place in the navigation.
    pub(crate) fn new(title: impl Into<String>, here: &'static str) -> Frame {
        let assets = &*ASSETS;
        let principal = Principal::current();
        let csrf = principal.as_ref().map(|it| it.csrf().to_owned()).unwrap_or_default();
        Frame {
            may_edit: principal.as_ref().is_some_and(|it| Role::Analyst <= it.role),
            user: principal.filter(|_| !csrf.is_empty()).map(|it| it.name),
            csrf,
            title: title.into(),
            css: &assets.css,
            js: &assets.js,
            icon: &assets.icon,
            has_search: here != "/search",
            is_at_the_door: false,
            here,
            // Outside a request, as for a page about an error of ours, there are no numbers.
            counts: NAV_COUNTS.try_with(|it| *it).unwrap_or_default(),
        }
    }

    /// The frame of the login page: nothing to search and nowhere to go.
    pub(crate) fn at_the_door(title: &str) -> Frame {
        Frame { has_search: false, is_at_the_door: true, ..Frame::new(title, "/login") }
    }

    /// The navigation.
    pub(crate) fn nav(&self) -> Vec<NavLink> {
        if self.is_at_the_door {
            return vec![];
        }
        let all = [
            ("/", "Today"),
            ("/stories", "Stories"),
            ("/search", "Search"),
            ("/graph", "Graph"),
            ("/map", "Map"),
            ("/alerts", "Alerts"),
            ("/sources", "Sources"),
        ];
        all.map(|(href, label)| NavLink {
            href,
            label,
            is_here: href == self.here,
            n_new: if href == "/alerts" { self.counts.n_new_alerts } else { 0 },
            n_failing: if href == "/sources" { self.counts.n_failing_sources } else { 0 },
        })
        .into()
    }
}

/// Writes a page.
pub(crate) fn render(page: &impl Template) -> Result<Response, ApiError> {
    let html = page.render().map_err(ApiError::internal)?;
    let no_conditions = axum::http::HeaderMap::new();
    let mut response = etag::answer(&no_conditions, "text/html; charset=utf-8", Bytes::from(html));
    response.headers_mut().remove(header::ETAG);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(response)
}

/// Marks an answer that says itself what went wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SaysItself;

/// A whole page with another status than 200.
pub(crate) fn with_status(mut page: Response, status: StatusCode) -> Response {
    *page.status_mut() = status;
    page.extensions_mut().insert(SaysItself);
    page
}
