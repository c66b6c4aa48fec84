//! The fields a query can name: [`QueryField`].

/// What sort of value a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Words in their language: stemmed, with phrases, prefixes and fuzzy words.
    Words,
    /// Entities: words of their names, or an id when the value has a colon.
    Entity,
    /// One whole value, not case-sensitive.
    Whole,
    /// One of a fixed list.
    OneOf(&'static [&'static str]),
    /// An instant: dates, ranges, comparisons.
    Date,
}

macro_rules! query_fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:expr, [$($alias:literal),*];)*) => {
        /// A field that a query can name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum QueryField {
            $($(#[$doc])* $variant,)*
        }

        impl QueryField {
            /// All fields in the order of the documentation.
            pub const ALL: &[QueryField] = &[$(QueryField::$variant,)*];

            /// The name in canonical queries.
            pub fn name(self) -> &'static str {
                match self {
                    $(QueryField::$variant => $name,)*
                }
            }

            /// Other names that are understood.
            pub fn aliases(self) -> &'static [&'static str] {
                match self {
                    $(QueryField::$variant => &[$($alias),*],)*
                }
            }

            /// What sort of value the field has.
            pub fn kind(self) -> FieldKind {
                match self {
                    $(QueryField::$variant => $kind,)*
                }
            }
        }
    };
}

query_fields! {
    /// Who threatens or attacks.
    Actor = "actor", FieldKind::Entity, [];
    /// Who is threatened or attacked.
    Target = "target", FieldKind::Entity, ["victim"];
    /// Anybody or anything mentioned.
    Entity = "entity", FieldKind::Entity, ["mentions"];
    /// Places named: countries, cities, regions, facilities.
    Place = "place", FieldKind::Entity, ["where"];
    /// Threatened or attacked sector: a facet path, or words of one.
    Sector = "sector", FieldKind::Entity, [];
    /// Kind of hostile statement.
    Kind = "kind", FieldKind::OneOf(KINDS), ["statement"];
    /// Where the harm is done.
    Domain = "domain", FieldKind::OneOf(DOMAINS), [];
    /// How certain a statement is presented.
    Modality = "modality", FieldKind::OneOf(MODALITIES), [];
    /// Outlet: its id, or words of its name.
    Source = "source", FieldKind::Entity, ["outlet"];
    /// Country code of the outlet.
    Country = "country", FieldKind::Whole, [];
    /// Language code of the text.
    Language = "language", FieldKind::Whole, ["lang"];
    /// Words of the headline.
    Title = "title", FieldKind::Words, ["headline"];
    /// Words of the author's name.
    Author = "author", FieldKind::Words, ["by"];
    /// Host name or a parent domain of it.
    Site = "site", FieldKind::Whole, ["host"];
    /// Story id.
    Story = "story", FieldKind::Whole, [];
    /// CVE number, address, host, hash, ATT&CK technique; also written with `[.]`.
    Indicator = "indicator", FieldKind::Whole, ["ioc"];
    /// Article id.
    Id = "id", FieldKind::Whole, [];
    /// Address of the article.
    Url = "url", FieldKind::Whole, [];
    /// Publication time; the fetch time where that is unknown.
    Published = "published", FieldKind::Date, ["date"];
    /// Fetch time.
    Fetched = "fetched", FieldKind::Date, [];
}

const KINDS: &[&str] = &["threat", "warning", "attack", "claim", "denial", "attempt"];
const DOMAINS: &[&str] = &["cyber", "physical", "economic", "political"];
const MODALITIES: &[&str] = &["asserted", "possible", "conditional", "denied"];

impl QueryField {
    /// Finds a field by name or alias, in any case.
    pub fn from_name(name: &str) -> Option<QueryField> {
        let name = name.to_lowercase();
        let is_named = |it: &QueryField| it.name() == name || it.aliases().contains(&name.as_str());
        QueryField::ALL.iter().copied().find(is_named)
    }

    /// All names and aliases, with the two date shorthands `from` and `to`.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let fields = QueryField::ALL.iter();
        let names =
            fields.flat_map(|it| [it.name()].into_iter().chain(it.aliases().iter().copied()));
        names.chain(["from", "to"])
    }
}
