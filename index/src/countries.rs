//! In which country a place is: [`Countries`], so that a search for a country finds what happens in
//! its towns.

use std::collections::{BTreeMap, HashMap};

use config::{GazetteerEntity, GazetteerKind};
use nlp::{EntityRef, Mention};

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
        let found: BTreeMap<String, EntityRef> = stored
            .annotation
            .iter()
            .flat_map(|it| it.mentions.iter().chain(it.title.iter().flat_map(|it| &it.mentions)))
            .filter_map(|it| self.country_of(it))
            .collect();
        stored.countries = found;
    }

    fn country_of(&self, mention: &Mention) -> Option<(String, EntityRef)> {
        let entity = mention.entity.as_ref()?;
        let number = *self.by_place.get(entity.id.as_str())?;
        Some((entity.id.clone(), self.countries.get(usize::from(number))?.clone()))
    }
}
