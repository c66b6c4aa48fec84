//! In which country a place is: [`Countries`], so that a search for a country finds what happens in
//! its towns.

use std::collections::HashMap;

use config::{GazetteerEntity, GazetteerKind};
use nlp::EntityRef;

use crate::record::StoredArticle;

/// The countries of cities, regions, companies and what else is in one, by their ids.
#[derive(Clone, Debug, Default)]
pub struct Countries {
    countries: Vec<EntityRef>,
    /// Place of the country in the list.
    by_place: HashMap<Box<str>, u16>,
}

impl Countries {
    /// Those of a gazetteer.
    pub fn of(entities: &[GazetteerEntity]) -> Countries {
        let mut countries = Countries::default();
        let mut by_code: HashMap<&str, u16> = HashMap::new();
        let prefix = GazetteerKind::Country.id_prefix();
        for entity in entities.iter().filter(|it| it.kind == GazetteerKind::Country) {
            let Ok(number) = u16::try_from(countries.countries.len()) else { break };
            by_code.insert(entity.id.strip_prefix(prefix).unwrap_or_default(), number);
            let (id, name) = (entity.id.clone(), entity.name.clone());
            countries.countries.push(EntityRef { id, name });
        }
        for entity in entities {
            if entity.kind != GazetteerKind::Country
                && let Some(&number) = entity.country.as_deref().and_then(|it| by_code.get(it))
            {
                countries.by_place.insert(entity.id.as_str().into(), number);
            }
        }
        countries
    }

    /// Notes the countries of all that an article names.
    pub fn fill(&self, stored: &mut StoredArticle) {
        let mentions = (stored.annotation.iter())
            .flat_map(|it| it.mentions.iter().chain(it.title.iter().flat_map(|it| &it.mentions)));
        let entities = mentions.filter_map(|it| it.entity.as_ref());
        let found =
            entities.filter_map(|it| Some((it.id.clone(), self.country_of(&it.id)?.clone())));
        stored.countries = found.collect();
    }

    /// The country that the entity with this id is in; `None` for countries and where it is unknown.
    pub fn country_of(&self, entity: &str) -> Option<&EntityRef> {
        self.countries.get(usize::from(*self.by_place.get(entity)?))
    }
}
