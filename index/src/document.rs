//! [`StoredArticle`] → Tantivy document → [`Hit`]: longer than most, since writing and reading a field
//! belong side by side.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chrono::{DateTime, Utc};
use config::SectorId;
use nlp::annotation::MentionKind;
use nlp::{EntityRef, Mention, Phrase, Statement};
use serde::{Deserialize, Serialize};
use tantivy::TantivyDocument;
use tantivy::schema::Field;
use url::Url;

use crate::indicators::indicators;
use crate::query::QueryField;
use crate::record::StoredArticle;
use crate::schema::{Fields, ID_NAME_SEPARATOR};
use crate::search::{Hit, Label};
use crate::tokenizer::{Analyzer, Language, TermList};

/// Places between headline and text, so that no phrase spans both.
const TITLE_GAP: usize = 100;

/// What a hit shows, as stored in the index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) title: String,
    pub(crate) source: String,
    pub(crate) source_name: String,
    pub(crate) country: Option<String>,
    pub(crate) language: Option<String>,
    pub(crate) authors: Vec<String>,
    pub(crate) published_at: Option<DateTime<Utc>>,
    pub(crate) fetched_at: DateTime<Utc>,
    pub(crate) story: Option<String>,
    pub(crate) sectors: Vec<String>,
    pub(crate) actors: Vec<Label>,
    pub(crate) targets: Vec<Label>,
    pub(crate) kinds: Vec<String>,
    pub(crate) is_sample: bool,
}

impl Card {
    pub(crate) fn of(stored: &StoredArticle) -> Card {
        let article = &stored.article;
        let statements = statements(stored);
        Card {
            id: article.id.to_string(),
            url: article.url.as_str().to_owned(),
            title: article.title.clone(),
            source: article.source.as_str().to_owned(),
            source_name: stored.source_name.clone(),
            country: stored.source_country.clone(),
            language: language_code(stored).map(str::to_owned),
            authors: article.authors.clone(),
            published_at: article.published_at,
            fetched_at: article.fetched_at,
            story: stored.story.as_ref().map(|it| it.as_str().to_owned()),
            sectors: sectors(stored).into_iter().map(|it| it.as_str().to_owned()).collect(),
            actors: labels(statements.iter().flat_map(|it| &it.actors)),
            targets: labels(statements.iter().flat_map(|it| &it.targets)),
            kinds: distinct(statements.iter().map(|it| wire_name(&it.kind))),
            is_sample: stored.is_sample,
        }
    }

    /// The hit without score and snippets.
    pub(crate) fn into_hit(self) -> Hit {
        Hit {
            id: self.id,
            url: self.url,
            title: self.title,
            title_segments: Vec::new(),
            source: self.source,
            source_name: self.source_name,
            country: self.country,
            language: self.language,
            authors: self.authors,
            published_at: self.published_at,
            fetched_at: self.fetched_at,
            story: self.story,
            n_in_story: None,
            score: 0.0,
            snippet: Vec::new(),
            sectors: self.sectors,
            actors: self.actors,
            targets: self.targets,
            kinds: self.kinds,
            is_sample: self.is_sample,
        }
    }
}

/// First 64 bits of an article id, which break ties.
pub(crate) fn tie_of(id: &str) -> u64 {
    id.get(..16).and_then(|it| u64::from_str_radix(it, 16).ok()).unwrap_or_default()
}

/// 64 bits that stand for the story of an article; an article without a story stands for itself.
fn story_key(card: &Card) -> u64 {
    let hash = blake3::hash(card.story.as_ref().unwrap_or(&card.id).as_bytes());
    u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a hash has 32 bytes"))
}

/// What takes the fields of an article: a Tantivy document, or the terms that saved searches are
/// matched against. Both get the same, so a saved search finds what the search box finds.
pub(crate) trait Sink {
    /// All terms of a field of words, with their places; a field is given once.
    fn words(&mut self, field: Field, terms: &TermList);
    /// A whole value in lower case; a field may have several.
    fn key(&mut self, field: Field, value: &str);
    /// A value of a column.
    fn column(&mut self, field: Field, value: &str);
    /// An instant in seconds since 1970.
    fn seconds(&mut self, field: Field, value: i64);
}

impl Sink for TantivyDocument {
    fn words(&mut self, field: Field, terms: &TermList) {
        self.add_text(field, terms.encoded());
    }

    fn key(&mut self, field: Field, value: &str) {
        self.add_text(field, value);
    }

    fn column(&mut self, field: Field, value: &str) {
        self.add_text(field, value);
    }

    fn seconds(&mut self, field: Field, value: i64) {
        self.add_i64(field, value);
    }
}

/// Makes documents. Owns an [`Analyzer`], so one thread has one builder.
pub(crate) struct DocumentBuilder {
    fields: Fields,
    analyzer: Analyzer,
    /// Terms of the field in hand, and spellings of the article; kept for their memory.
    terms: TermList,
    spelling: TermList,
    spellings: HashSet<Box<str>, foldhash::fast::RandomState>,
}

impl DocumentBuilder {
    pub(crate) fn new(fields: Fields) -> DocumentBuilder {
        DocumentBuilder {
            fields,
            analyzer: Analyzer::new(),
            terms: TermList::default(),
            spelling: TermList::default(),
            spellings: HashSet::default(),
        }
    }

    /// The document of one article.
    pub(crate) fn document(&mut self, stored: &StoredArticle) -> TantivyDocument {
        let fields = self.fields;
        let card = Card::of(stored);
        let mut document = TantivyDocument::with_capacity(3 * stored.article.text.len() + 4_096);
        document.add_u64(fields.tie, tie_of(&card.id));
        document.add_u64(fields.story_key, story_key(&card));
        let json = serde_json::to_string(&card).expect("a card has only text keys");
        document.add_text(fields.card, json);
        document.add_text(fields.body, &stored.article.text);
        self.describe(stored, &card, &mut document);
        document
    }

    /// Hands everything that can be asked for to `sink`; returns the language of the text.
    pub(crate) fn describe<S: Sink>(
        &mut self,
        stored: &StoredArticle,
        card: &Card,
        sink: &mut S,
    ) -> Language {
        let fields = self.fields;
        let language = Language::of(card.language.as_deref());
        let mut document = Document { fields, sink };
        document.key(fields.id, &card.id);
        self.add_text(&mut document, stored, language);
        add_times(&mut document, stored);
        add_origin(&mut document, card);
        self.add_names(&mut document, fields.author, &card.authors, Language::Other);
        let source = [card.source.clone(), card.source_name.clone()];
        self.add_names(&mut document, fields.source_name, &source, Language::Other);
        self.add_statements(&mut document, stored, language);
        self.add_entities(&mut document, stored, language);
        for (field, is_there) in [
            (QueryField::Title, !card.title.is_empty()),
            (QueryField::Author, !card.authors.is_empty()),
            (QueryField::Source, true),
            (QueryField::Country, card.country.is_some()),
            (QueryField::Language, card.language.is_some()),
            (QueryField::Story, card.story.is_some()),
            (QueryField::Published, card.published_at.is_some()),
            (QueryField::Fetched, true),
            (QueryField::Id, true),
            (QueryField::Url, true),
            (QueryField::Site, true),
        ] {
            if is_there {
                document.has(field);
            }
        }
        language
    }

    fn add_text<S: Sink>(
        &mut self,
        document: &mut Document<'_, S>,
        stored: &StoredArticle,
        language: Language,
    ) {
        let article = &stored.article;
        let DocumentBuilder { analyzer, terms, spelling, spellings, .. } = self;
        terms.clear();
        spelling.clear();
        spellings.clear();
        let mut spell = |word: &str| {
            if !spellings.contains(word) {
                spellings.insert(word.into());
                spelling.push(0, &[word]);
            }
        };
        let end = analyzer.terms(&article.title, language, 0, false, terms, &mut spell);
        analyzer.terms(&article.text, language, end + TITLE_GAP, false, terms, &mut spell);
        document.words(self.fields.text, terms);
        document.words(self.fields.spelling, spelling);
        self.add_names(document, self.fields.title, [&article.title], language);
        for value in indicators(&[&article.title, &article.text]) {
            document.key(self.fields.indicator, &value);
            document.has(QueryField::Indicator);
        }
    }

    /// Adds short texts as words, each also as spelt; no phrase spans two of them.
    fn add_names<T: AsRef<str>, S: Sink>(
        &mut self,
        document: &mut Document<'_, S>,
        field: Field,
        names: impl IntoIterator<Item = T>,
        language: Language,
    ) {
        self.terms.clear();
        let mut start = 0;
        for name in names {
            let (name, terms) = (name.as_ref(), &mut self.terms);
            start = self.analyzer.terms(name, language, start, true, terms, |_| ()) + 1;
        }
        document.words(field, &self.terms);
    }

    fn add_statements<S: Sink>(
        &mut self,
        document: &mut Document<'_, S>,
        stored: &StoredArticle,
        language: Language,
    ) {
        let fields = self.fields;
        let aliases = aliases(stored);
        let statements = statements(stored);
        type Part = fn(&Statement) -> &Vec<Phrase>;
        let parts: [(QueryField, Part, Field, Field, Field); 2] = [
            (
                QueryField::Actor,
                |it| &it.actors,
                fields.actor,
                fields.actor_facet,
                fields.actor_name,
            ),
            (
                QueryField::Target,
                |it| &it.targets,
                fields.target,
                fields.target_facet,
                fields.target_name,
            ),
        ];
        for (query_field, part, key, facet, name_field) in parts {
            let phrases: Vec<&Phrase> = statements.iter().flat_map(|it| part(it)).collect();
            let mut names: BTreeSet<&str> = phrases.iter().map(|it| it.text.as_str()).collect();
            for label in labels(phrases.iter().copied()) {
                document.key(key, &label.id);
                document.facet(facet, &entity_facet(&label));
                document.has(query_field);
            }
            for entity in phrases.iter().filter_map(|it| it.entity.as_ref()) {
                names.insert(&entity.name);
                names.extend(aliases.get(entity.id.as_str()).into_iter().flatten());
            }
            self.add_names(document, name_field, names, language);
        }
        let kinds = distinct(statements.iter().map(|it| wire_name(&it.kind)));
        let domains = distinct(statements.iter().map(|it| wire_name(&it.domain)));
        let modalities = distinct(statements.iter().map(|it| wire_name(&it.modality)));
        for (query_field, key, facet, values) in [
            (QueryField::Kind, fields.kind, fields.kind_facet, kinds),
            (QueryField::Domain, fields.domain, fields.domain_facet, domains),
            (QueryField::Modality, fields.modality, fields.modality_facet, modalities),
        ] {
            document.values(query_field, key, facet, &values);
        }
        let paths = with_parents(&sectors(stored));
        document.values(QueryField::Sector, fields.sector, fields.sector_facet, &paths);
        self.add_names(document, fields.sector_name, paths, Language::English);
    }

    fn add_entities<S: Sink>(
        &mut self,
        document: &mut Document<'_, S>,
        stored: &StoredArticle,
        language: Language,
    ) {
        let entities: BTreeMap<&str, &EntityRef> =
            all_entities(stored).map(|it| (it.id.as_str(), it)).collect();
        let mut names: BTreeSet<&str> = entities.values().map(|it| it.name.as_str()).collect();
        for id in entities.keys() {
            document.key(self.fields.entity, id);
            document.has(QueryField::Entity);
        }
        names.extend(aliases(stored).into_values().flatten());
        self.add_names(document, self.fields.entity_name, names, language);
        let places = mentions(stored).filter(|it| it.kind == MentionKind::Location);
        let (mut ids, mut names) = (BTreeSet::new(), BTreeSet::new());
        for (place, entity) in places.filter_map(|it| Some((it, it.entity.as_ref()?))) {
            names.extend([place.text.as_str(), entity.name.as_str()]);
            ids.insert(entity.id.as_str());
            if let Some(country) = stored.countries.get(&entity.id) {
                names.insert(&country.name);
                ids.insert(&country.id);
            }
        }
        for id in ids {
            document.key(self.fields.place, id);
            document.has(QueryField::Place);
        }
        self.add_names(document, self.fields.place_name, names, language);
    }
}

/// A document in the making.
struct Document<'a, S> {
    fields: Fields,
    sink: &'a mut S,
}

impl<S: Sink> Document<'_, S> {
    fn key(&mut self, field: Field, value: &str) {
        self.sink.key(field, &value.to_lowercase());
    }

    fn facet(&mut self, field: Field, value: &str) {
        self.sink.column(field, value);
    }

    fn has(&mut self, field: QueryField) {
        self.key(self.fields.has, field.name());
    }

    fn values(&mut self, query_field: QueryField, key: Field, facet: Field, values: &[String]) {
        for value in values {
            self.key(key, value);
            self.facet(facet, value);
        }
        if !values.is_empty() {
            self.has(query_field);
        }
    }

    fn words(&mut self, field: Field, terms: &TermList) {
        if !terms.is_empty() {
            self.sink.words(field, terms);
        }
    }
}

fn add_times<S: Sink>(document: &mut Document<'_, S>, stored: &StoredArticle) {
    let (published, fetched) = (stored.article.published_at, stored.article.fetched_at);
    let fields = document.fields;
    document.sink.seconds(fields.published, published.unwrap_or(fetched).timestamp());
    document.sink.seconds(fields.fetched, fetched.timestamp());
}

fn add_origin<S: Sink>(document: &mut Document<'_, S>, card: &Card) {
    let fields = document.fields;
    document.key(fields.source, &card.source);
    document.facet(
        fields.source_facet,
        &entity_facet(&Label { id: card.source.clone(), name: card.source_name.clone() }),
    );
    if let Some(country) = &card.country {
        document.key(fields.country, country);
        document.facet(fields.country_facet, country);
    }
    if let Some(language) = &card.language {
        document.key(fields.language, language);
        document.facet(fields.language_facet, language);
    }
    if let Some(story) = &card.story {
        document.key(fields.story, story);
    }
    let url = Url::parse(&card.url).ok();
    let mut site = url.as_ref().and_then(Url::host_str);
    while let Some(host) = site {
        document.key(fields.site, host);
        site = host.split_once('.').map(|(_, parent)| parent).filter(|it| it.contains('.'));
    }
}

/// The value of an entity column: `id␟name`.
fn entity_facet(label: &Label) -> String {
    format!("{}{ID_NAME_SEPARATOR}{}", label.id, label.name)
}

fn language_code(stored: &StoredArticle) -> Option<&str> {
    let annotated = stored.annotation.as_ref().and_then(|it| it.language.as_deref());
    stored.article.language.as_deref().or(annotated)
}

/// The statements of headline and text.
fn statements(stored: &StoredArticle) -> Vec<&Statement> {
    let Some(annotation) = &stored.annotation else { return Vec::new() };
    let titles = annotation.title.iter().flat_map(|it| &it.statements);
    titles.chain(&annotation.statements).collect()
}

/// Sectors of the document and of its statements, best first.
fn sectors(stored: &StoredArticle) -> Vec<&SectorId> {
    let Some(annotation) = &stored.annotation else { return Vec::new() };
    let scored = annotation.sectors.iter().map(|it| &it.id);
    let stated = statements(stored).into_iter().flat_map(|it| &it.sectors);
    let mut seen = HashSet::new();
    scored.chain(stated).filter(|it| seen.insert(*it)).collect()
}

/// Facet paths with those of all parents, each once.
fn with_parents(sectors: &[&SectorId]) -> Vec<String> {
    let mut paths = BTreeSet::new();
    for sector in sectors {
        let mut next = Some((*sector).clone());
        while let Some(sector) = next {
            next = sector.parent();
            paths.insert(sector.as_str().to_owned());
        }
    }
    paths.into_iter().collect()
}

/// The entities that phrases mean, each once, in order.
fn labels<'a>(phrases: impl Iterator<Item = &'a Phrase>) -> Vec<Label> {
    let mut seen = HashSet::new();
    let entities = phrases.filter_map(|it| it.entity.as_ref());
    let fresh = entities.filter(|it| seen.insert(it.id.as_str()));
    fresh.map(|it| Label { id: it.id.clone(), name: it.name.clone() }).collect()
}

/// The words that the article uses for each entity, by entity id.
fn aliases(stored: &StoredArticle) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut aliases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mention in mentions(stored) {
        if let Some(entity) = &mention.entity {
            aliases.entry(&entity.id).or_default().insert(&mention.text);
        }
    }
    aliases
}

/// The mentions of text and headline.
fn mentions(stored: &StoredArticle) -> impl Iterator<Item = &Mention> {
    stored.annotation.iter().flat_map(|it| {
        let titles = it.title.iter().flat_map(|it| &it.mentions);
        it.mentions.iter().chain(titles)
    })
}

/// Entities of mentions and statements, with repetitions.
fn all_entities(stored: &StoredArticle) -> impl Iterator<Item = &EntityRef> {
    let mentioned = mentions(stored).filter_map(|it| it.entity.as_ref());
    let phrases = statements(stored).into_iter().flat_map(|it| {
        let parts = it.actors.iter().chain(&it.targets).chain(&it.means).chain(&it.speaker);
        parts.filter_map(|it| it.entity.as_ref())
    });
    mentioned.chain(phrases)
}

/// The name of an enumeration's value in the public shapes.
fn wire_name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}

fn distinct(values: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = HashSet::new();
    values.filter(|it| seen.insert(it.clone())).collect()
}
