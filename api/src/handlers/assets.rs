//! Style sheet, script and icon, embedded in the binary.
//!
//! Pages name them with a hash of their content (`/static/0f3a…/app.css`), so that a browser may
//! keep them for ever; without the hash they are checked each time.

use std::sync::LazyLock;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::header::{self, HeaderMap, HeaderValue};
use axum::response::Response;
use rust_embed::{Embed, EmbeddedFile};

use crate::error::ApiError;
use crate::handlers::etag;

/// Put here by `make` (`scripts/vendor.sh`); not part of the repository.
const GRAPH_LIBRARY: &str = "vendor-cytoscape.min.js";
/// The same.
const CHART_LIBRARY: &str = "vendor-uplot.min.js";
/// The same; `#land` and `#borders` of it are drawn.
const WORLD: &str = "vendor-world.svg";

#[derive(Embed)]
#[folder = "static/"]
struct Files;

/// Addresses of the assets with their hashes.
#[derive(Debug)]
pub(crate) struct Assets {
    /// Style sheet.
    pub(crate) css: String,
    /// Script.
    pub(crate) js: String,
    /// Icon.
    pub(crate) icon: String,
    /// Script that the search page adds.
    pub(crate) search_js: String,
    /// What the graph page adds.
    pub(crate) graph: GraphAssets,
    /// What the map page adds.
    pub(crate) map: MapAssets,
    /// What pages with charts add.
    pub(crate) charts: ChartAssets,
}

/// Addresses of what pages with charts add.
#[derive(Debug)]
pub(crate) struct ChartAssets {
    /// Style sheet.
    pub(crate) css: String,
    /// Script.
    pub(crate) js: String,
    /// The library that draws, when `make` bundled it before the build; the bars need none.
    pub(crate) library: Option<String>,
}

/// Addresses of what the map page adds.
#[derive(Debug)]
pub(crate) struct MapAssets {
    /// Style sheet.
    pub(crate) css: String,
    /// Outline of the world, when `make` drew it before the build; the table needs none.
    pub(crate) outline: Option<String>,
}

/// Addresses of what the graph page adds.
#[derive(Debug)]
pub(crate) struct GraphAssets {
    /// Style sheet.
    pub(crate) css: String,
    /// Script.
    pub(crate) js: String,
    /// The library that draws, when `make` bundled it before the build; the table needs none.
    pub(crate) library: Option<String>,
}

/// The assets of this binary.
pub(crate) static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets {
    css: hashed("app.css"),
    js: hashed("app.js"),
    icon: hashed("icon.svg"),
    search_js: hashed("search.js"),
    graph: GraphAssets {
        css: hashed("graph.css"),
        js: hashed("graph.js"),
        library: Files::get(GRAPH_LIBRARY).map(|it| address(&it, GRAPH_LIBRARY)),
    },
    map: MapAssets {
        css: hashed("map.css"),
        outline: Files::get(WORLD).map(|it| address(&it, WORLD)),
    },
    charts: ChartAssets {
        css: hashed("charts.css"),
        js: hashed("charts.js"),
        library: Files::get(CHART_LIBRARY).map(|it| address(&it, CHART_LIBRARY)),
    },
});

fn hashed(name: &str) -> String {
    let file = Files::get(name).expect("the pages name only files that are embedded");
    address(&file, name)
}

fn address(file: &EmbeddedFile, name: &str) -> String {
    format!("/static/{}/{name}", hash(file))
}

fn hash(file: &EmbeddedFile) -> String {
    file.metadata.sha256_hash()[..8].iter().map(|it| format!("{it:02x}")).collect()
}

/// Answers with one file.
pub(crate) async fn get(
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Result<Response, ApiError> {
    let (given_hash, name) = match path.split_once('/') {
        Some((given_hash, name)) => (Some(given_hash), name),
        None => (None, path.as_str()),
    };
    let file = Files::get(name).ok_or_else(|| ApiError::not_found("there is no such file"))?;
    let is_current = given_hash.is_some_and(|it| it == hash(&file));
    let mut response =
        etag::answer(&headers, content_type(name), Bytes::from(file.data.into_owned()));
    let kept = if is_current { "public, max-age=31536000, immutable" } else { "no-cache" };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    Ok(response)
}

/// Browsers ask for it unprompted.
pub(crate) async fn favicon(headers: HeaderMap) -> Result<Response, ApiError> {
    get(headers, Path("icon.svg".to_owned())).await
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => "application/octet-stream",
    }
}
