//! `/v1/complete`: what a query that is being typed may go on with.

#![expect(unused_qualifications, reason = "what `params(…)` of utoipa expands to")]

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use index::archive::entities::EntityFilter;
use index::query::field::{FieldKind, QueryField};
use serde::Serialize;
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorBody};
use crate::handlers::etag;
use crate::handlers::params::Params;
use crate::pages::text::{brief, clean_or, counted};
use crate::state::AppState;

/// Suggestions at most.
const N_SUGGESTIONS: usize = 8;
/// Fields suggested beside names and sectors.
const N_FIELDS: usize = 3;
/// Longest text that is looked at, in characters.
const N_CHARS_MAX: usize = 1_000;
/// Names are looked up from so many characters on.
const N_NAME_CHARS_MIN: usize = 2;

/// Ways to go on.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct CompletionBody {
    /// The end of `q` that a suggestion takes the place of.
    replaces: String,
    /// Best first, at most 8.
    suggestions: Vec<Suggestion>,
}

/// One way to go on.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub(crate) struct Suggestion {
    /// What to write.
    text: String,
    /// What it means.
    label: String,
    /// What sort of thing that is.
    about: String,
}

/// What is being typed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `get` reads")]
pub(crate) struct CompletionParams {
    /// The query up to the cursor, at most 1 000 characters.
    q: Option<String>,
}

/// Fields, values, entities and sectors that a query being typed may go on with.
#[utoipa::path(
    get, path = "/v1/complete", tag = "search", params(CompletionParams),
    responses((status = OK, body = CompletionBody), (status = BAD_REQUEST, body = ErrorBody))
)]
pub(crate) async fn get(
    State(state): State<AppState>,
    headers: HeaderMap,
    params: Params,
) -> Result<Response, ApiError> {
    let params = params.only(&["q"])?;
    let query = params.get("q").unwrap_or_default();
    if N_CHARS_MAX < query.chars().count() {
        return Err(ApiError::invalid_parameter("q", "longer than 1000 characters"));
    }
    let typed = last_word(query);
    let suggestions = match typed.split_once(':') {
        Some((name, value)) => match QueryField::from_name(name) {
            Some(field) => values(&state, field, name, value.trim_start_matches('"')).await?,
            None => Vec::new(),
        },
        None if typed.starts_with('"') || typed.is_empty() => Vec::new(),
        None => anything(&state, typed).await?,
    };
    etag::json(&headers, &CompletionBody { replaces: typed.to_owned(), suggestions })
}

/// The word at the end of `query` that is being typed, without signs before it: `actor:"united st`.
fn last_word(query: &str) -> &str {
    let (mut start, mut is_quoted) = (0, false);
    for (at, it) in query.char_indices() {
        match it {
            '"' => is_quoted = !is_quoted,
            _ if is_quoted => {}
            '(' | ')' => start = at + 1,
            _ if it.is_whitespace() => start = at + it.len_utf8(),
            _ => {}
        }
    }
    query[start..].trim_start_matches(['-', '+'])
}

async fn anything(state: &AppState, typed: &str) -> Result<Vec<Suggestion>, ApiError> {
    let mut all = fields(typed);
    all.extend(sectors(state, "sector", typed).into_iter().take(N_FIELDS));
    let names = entities(state, "entity", typed, N_SUGGESTIONS).await?;
    all.extend(names);
    all.truncate(N_SUGGESTIONS);
    Ok(all)
}

/// Fields whose name begins with `typed`.
fn fields(typed: &str) -> Vec<Suggestion> {
    let typed = typed.to_lowercase();
    let fields = QueryField::ALL.iter().filter(|it| it.name().starts_with(&typed));
    let suggestion = |it: &QueryField| Suggestion {
        text: format!("{}:", it.name()),
        label: meaning(*it).to_owned(),
        about: "field".to_owned(),
    };
    fields.take(N_FIELDS).map(suggestion).collect()
}

fn meaning(field: QueryField) -> &'static str {
    match field {
        QueryField::Actor => "who threatens or attacks",
        QueryField::Target => "who is threatened or attacked",
        QueryField::Entity => "who or what is named",
        QueryField::Place => "place that is named",
        QueryField::Indicator => "CVE, address, host, hash, technique",
        QueryField::Sector => "threatened or attacked sector",
        QueryField::Kind => "threat, warning, attack…",
        QueryField::Domain => "cyber, physical, economic, political",
        QueryField::Modality => "how certain it is said",
        QueryField::Source => "outlet",
        QueryField::Country => "country code of the outlet",
        QueryField::Language => "language code of the text",
        QueryField::Title => "words of the headline",
        QueryField::Author => "who wrote it",
        QueryField::Site => "host name",
        QueryField::Story => "id of a story",
        QueryField::Id => "id of an article",
        QueryField::Url => "address of an article",
        QueryField::Published => "day of publication",
        QueryField::Fetched => "day of the fetch",
    }
}

/// Values of `field`, which is called `name` here, that begin with `typed`.
async fn values(
    state: &AppState,
    field: QueryField,
    name: &str,
    typed: &str,
) -> Result<Vec<Suggestion>, ApiError> {
    if let FieldKind::OneOf(values) = field.kind() {
        let typed = typed.to_lowercase();
        let fitting = values.iter().filter(|it| it.starts_with(&typed));
        let suggestion = |it: &&str| Suggestion {
            text: format!("{name}:{it}"),
            label: (*it).to_owned(),
            about: field.name().to_owned(),
        };
        return Ok(fitting.map(suggestion).collect());
    }
    match field {
        QueryField::Actor | QueryField::Target | QueryField::Entity => {
            entities(state, name, typed, N_SUGGESTIONS).await
        }
        QueryField::Sector => Ok(sectors(state, name, typed)),
        QueryField::Source => Ok(sources(state, name, typed)),
        _ => Ok(Vec::new()),
    }
}

async fn entities(
    state: &AppState,
    name: &str,
    typed: &str,
    limit: usize,
) -> Result<Vec<Suggestion>, ApiError> {
    if typed.chars().count() < N_NAME_CHARS_MIN || typed.contains('\0') {
        return Ok(Vec::new());
    }
    let filter = EntityFilter { name_prefix: Some(typed.to_owned()), ..EntityFilter::default() };
    let found = state.archive.entities(&filter, None, limit).await?.items;
    // In quotes these would end the value; an id made of words of a page may hold them.
    let plain = found.into_iter().filter(|it| !it.id.contains(['"', '\\']));
    let suggestion = |it: index::EntityRecord| Suggestion {
        text: format!("{name}:\"{}\"", it.id),
        label: brief(&clean_or(&it.name, &it.id), 80),
        about: format!(
            "{}, {}",
            it.kind.replace('-', " "),
            counted(it.n_articles, "article", "articles")
        ),
    };
    Ok(plain.map(suggestion).collect())
}

/// Sectors whose path, or a word of whose name, begins with `typed`.
fn sectors(state: &AppState, name: &str, typed: &str) -> Vec<Suggestion> {
    let typed = typed.to_lowercase();
    let all = state.config.taxonomy.sectors().iter();
    let fitting = all.filter(|it| {
        let label = it.label.to_lowercase();
        !typed.is_empty()
            && (it.id.as_str().starts_with(&typed)
                || label.split_whitespace().any(|word| word.starts_with(&typed)))
            || typed.is_empty() && it.id.parent().is_none()
    });
    let suggestion = |it: &config::taxonomy::Sector| Suggestion {
        text: format!("{name}:{}", it.id),
        label: it.label.clone(),
        about: "sector".to_owned(),
    };
    fitting.take(N_SUGGESTIONS).map(suggestion).collect()
}

/// Sources whose id or name begins with `typed`.
fn sources(state: &AppState, name: &str, typed: &str) -> Vec<Suggestion> {
    let typed = typed.to_lowercase();
    let all = state.roster.listed_now();
    let fitting = all.values().map(|it| &it.source).filter(|it| {
        it.id.as_str().starts_with(&typed) || it.name.to_lowercase().starts_with(&typed)
    });
    let suggestion = |it: &config::Source| Suggestion {
        text: format!("{name}:{}", it.id),
        label: it.name.clone(),
        about: "source".to_owned(),
    };
    fitting.take(N_SUGGESTIONS).map(suggestion).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_being_typed_is_the_last_one_with_its_quotes_and_without_its_sign() {
        let check = |query: &str, expected: &str| assert_eq!(last_word(query), expected, "{query}");
        check("", "");
        check("power gr", "gr");
        check("power ", "");
        check("actor:iran -tar", "tar");
        check("(kind:thr", "kind:thr");
        check("a actor:\"united st", "actor:\"united st");
        check("\"power grid\" dr", "dr");
        check("grid）über", "grid）über");
    }

    #[test]
    fn every_field_is_suggested_by_the_beginning_of_its_name() {
        for field in QueryField::ALL {
            let found = fields(field.name());
            assert_eq!(found[0].text, format!("{}:", field.name()));
        }
        assert_eq!(fields("zzz"), []);
    }
}
