//! Identifiers that other crates share: a source's name and a sector's facet path.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps `text` as it stands; [`crate::Config::load`] checks its form.
            pub fn new(text: impl Into<String>) -> $name {
                $name(text.into())
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> $name {
                $name::new(text)
            }
        }
    };
}

text_id! {
    /// Name of a source in the configuration: `a-z`, `0-9` and `-`, at most 64 characters.
    SourceId
}

text_id! {
    /// Facet path of a sector, with its leading slash: `/energy/oil-gas`.
    SectorId
}

text_id! {
    /// Name of a saved search: `a-z`, `0-9` and `-`, at most 64 characters.
    SearchId
}

impl SourceId {
    /// The source of single pages that somebody named, which no file declares.
    pub const SUBMITTED: &'static str = "submitted";
    /// Ids that no source may have: that of single pages, and what stands in addresses of the API
    /// (`/v1/sources/test`) in the place of an id.
    const RESERVED: [&'static str; 2] = [SourceId::SUBMITTED, "test"];

    /// Whether no source may be called so.
    pub fn is_reserved(&self) -> bool {
        SourceId::RESERVED.contains(&self.as_str())
    }
}

impl SearchId {
    /// What stands in addresses in the place of an id (`/v1/saved-searches/backtest`,
    /// `/alerts/searches/new`).
    const RESERVED: [&'static str; 3] = ["backtest", "new", "test"];

    /// Whether no new saved search may be called so.
    pub fn is_reserved(&self) -> bool {
        SearchId::RESERVED.contains(&self.as_str())
    }
}

impl SectorId {
    /// The path of the parent sector, or `None` for a top-level sector.
    pub fn parent(&self) -> Option<SectorId> {
        let (parent, _) = self.0.rsplit_once('/')?;
        (!parent.is_empty()).then(|| SectorId::new(parent))
    }
}
