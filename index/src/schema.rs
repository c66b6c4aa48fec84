//! Every field of the search index in one place: [`Fields`] and [`SCHEMA_VERSION`].
//!
//! Three sorts of fields:
//! - **words** hold terms of the [`crate::tokenizer`] with positions; the index and the query
//!   make them with the same code, Tantivy's own analyzers are not used;
//! - **keys** hold whole values in lower case for filters and `field:value`;
//! - **columns** hold values per article for facets, order and ranges.
//!
//! What a hit shows is stored as one JSON value (`card`), the text beside it for snippets.

use tantivy::schema::{
    Field, IndexRecordOption, NumericOptions, STORED, Schema, SchemaBuilder, TextFieldIndexing,
    TextOptions,
};

use crate::tokenizer::TERMS_TOKENIZER;

/// Raised whenever an index made by older code cannot be read as it should; a folder with another
/// number is rebuilt from the archive.
pub const SCHEMA_VERSION: u32 = 3;

/// The fields of the search index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// Key: article id; deletes go by it.
    pub(crate) id: Field,
    /// Column: first 64 bits of the id, which break ties in any order.
    pub(crate) tie: Field,
    /// Column: 64 bits that stand for the story; see `story_key` where documents are made.
    pub(crate) story_key: Field,
    /// Stored: what a hit shows, as JSON.
    pub(crate) card: Field,
    /// Stored: the text, for snippets.
    pub(crate) body: Field,

    /// Words of headline and text.
    pub(crate) text: Field,
    /// Words of headline and text as they are spelt, once each, for prefixes and fuzzy words.
    pub(crate) spelling: Field,
    /// Words of the headline, also as spelt.
    pub(crate) title: Field,
    /// Words of the authors' names.
    pub(crate) author: Field,
    /// Words that name actors, targets, any entity, places, sectors, the source.
    pub(crate) actor_name: Field,
    pub(crate) target_name: Field,
    pub(crate) entity_name: Field,
    pub(crate) place_name: Field,
    pub(crate) sector_name: Field,
    pub(crate) source_name: Field,

    /// Keys: entity ids, facet paths (with parents), enumerations, codes.
    pub(crate) actor: Field,
    pub(crate) target: Field,
    pub(crate) entity: Field,
    pub(crate) place: Field,
    pub(crate) sector: Field,
    pub(crate) kind: Field,
    pub(crate) domain: Field,
    pub(crate) modality: Field,
    pub(crate) source: Field,
    pub(crate) country: Field,
    pub(crate) language: Field,
    /// Keys: host and its parent domains.
    pub(crate) site: Field,
    pub(crate) story: Field,
    /// Keys: technical indicators without defanging.
    pub(crate) indicator: Field,
    /// Keys: names of the query fields that have any value.
    pub(crate) has: Field,

    /// Columns: seconds since 1970.
    pub(crate) published: Field,
    pub(crate) fetched: Field,

    /// Columns of values for facets; entity columns hold `id␟name`.
    pub(crate) actor_facet: Field,
    pub(crate) target_facet: Field,
    pub(crate) sector_facet: Field,
    pub(crate) kind_facet: Field,
    pub(crate) domain_facet: Field,
    pub(crate) modality_facet: Field,
    pub(crate) source_facet: Field,
    pub(crate) country_facet: Field,
    pub(crate) language_facet: Field,
}

/// Between an entity's id and its name in a facet column.
pub(crate) const ID_NAME_SEPARATOR: char = '\u{1f}';

/// The schema and its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let fields = Fields {
        id: keys(&mut builder, "id"),
        tie: builder.add_u64_field("tie", NumericOptions::default().set_fast()),
        story_key: builder.add_u64_field("story_key", NumericOptions::default().set_fast()),
        card: builder.add_text_field("card", STORED),
        body: builder.add_text_field("body", STORED),
        text: words(&mut builder, "text"),
        spelling: bag(&mut builder, "spelling"),
        title: words(&mut builder, "title"),
        author: words(&mut builder, "author"),
        actor_name: words(&mut builder, "actor_name"),
        target_name: words(&mut builder, "target_name"),
        entity_name: words(&mut builder, "entity_name"),
        place_name: words(&mut builder, "place_name"),
        sector_name: words(&mut builder, "sector_name"),
        source_name: words(&mut builder, "source_name"),
        actor: keys(&mut builder, "actor"),
        target: keys(&mut builder, "target"),
        entity: keys(&mut builder, "entity"),
        place: keys(&mut builder, "place"),
        sector: keys(&mut builder, "sector"),
        kind: keys(&mut builder, "kind"),
        domain: keys(&mut builder, "domain"),
        modality: keys(&mut builder, "modality"),
        source: keys(&mut builder, "source"),
        country: keys(&mut builder, "country"),
        language: keys(&mut builder, "language"),
        site: keys(&mut builder, "site"),
        story: keys(&mut builder, "story"),
        indicator: keys(&mut builder, "indicator"),
        has: keys(&mut builder, "has"),
        published: seconds(&mut builder, "published"),
        fetched: seconds(&mut builder, "fetched"),
        actor_facet: column(&mut builder, "actor_facet"),
        target_facet: column(&mut builder, "target_facet"),
        sector_facet: column(&mut builder, "sector_facet"),
        kind_facet: column(&mut builder, "kind_facet"),
        domain_facet: column(&mut builder, "domain_facet"),
        modality_facet: column(&mut builder, "modality_facet"),
        source_facet: column(&mut builder, "source_facet"),
        country_facet: column(&mut builder, "country_facet"),
        language_facet: column(&mut builder, "language_facet"),
    };
    (builder.build(), fields)
}

fn words(builder: &mut SchemaBuilder, name: &str) -> Field {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TERMS_TOKENIZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
    builder.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
}

/// Words without places.
fn bag(builder: &mut SchemaBuilder, name: &str) -> Field {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer(TERMS_TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    builder.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
}

fn keys(builder: &mut SchemaBuilder, name: &str) -> Field {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    builder.add_text_field(name, TextOptions::default().set_indexing_options(indexing))
}

fn column(builder: &mut SchemaBuilder, name: &str) -> Field {
    builder.add_text_field(name, TextOptions::default().set_fast("raw"))
}

fn seconds(builder: &mut SchemaBuilder, name: &str) -> Field {
    builder.add_i64_field(name, NumericOptions::default().set_fast())
}
