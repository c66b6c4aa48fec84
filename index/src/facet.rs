//! Facets: the fields that can be filtered and counted ([`FilterField`], [`FacetCount`]).
//!
//! Reading order: this file, `columns` (facet values of a segment in memory), `count`.

pub(crate) mod columns;
pub(crate) mod count;
pub(crate) mod dictionary;

use serde::{Deserialize, Serialize};

macro_rules! filter_fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $is_counted:literal;)*) => {
        /// A field that hits can be filtered by.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            utoipa::ToSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum FilterField {
            $($(#[$doc])* $variant,)*
        }

        impl FilterField {
            /// All fields in the order of display.
            pub const ALL: &[FilterField] = &[$(FilterField::$variant,)*];

            /// The name in JSON, URLs and the query language.
            pub fn name(self) -> &'static str {
                match self {
                    $(FilterField::$variant => $name,)*
                }
            }

            /// Whether the values are counted in [`SearchResponse::facets`].
            ///
            /// [`SearchResponse::facets`]: crate::search::SearchResponse::facets
            pub fn is_counted(self) -> bool {
                match self {
                    $(FilterField::$variant => $is_counted,)*
                }
            }
        }
    };
}

filter_fields! {
    /// Facet path of a threatened or attacked sector; a parent includes its children.
    Sector = "sector", true;
    /// Entity id of who threatens or attacks.
    Actor = "actor", true;
    /// Entity id of who is threatened or attacked.
    Target = "target", true;
    /// Kind of hostile statement.
    Kind = "kind", true;
    /// Where the harm of a statement is done.
    Domain = "domain", true;
    /// How certain a statement is presented.
    Modality = "modality", true;
    /// Source id.
    Source = "source", true;
    /// ISO 639-1 code.
    Language = "language", true;
    /// ISO 3166-1 alpha-2 code of the source's country.
    Country = "country", true;
    /// A day in UTC, `2026-01-31`, of the request's date field.
    Day = "day", true;
    /// Id of any entity mentioned.
    Entity = "entity", false;
    /// Author, as words.
    Author = "author", false;
    /// Host name or a parent domain of it.
    Site = "site", false;
    /// Story id.
    Story = "story", false;
}

impl FilterField {
    /// Finds the field with this [`FilterField::name`].
    pub fn from_name(name: &str) -> Option<FilterField> {
        FilterField::ALL.iter().copied().find(|it| it.name() == name)
    }
}

/// How many of the articles found have one value of a facet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FacetCount {
    /// The value to filter by.
    pub value: String,
    /// The value for display.
    pub label: String,
    /// Articles that have it and pass all filters but those of this very field.
    pub count: u64,
    /// Whether the request filters by it.
    pub selected: bool,
}
