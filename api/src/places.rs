//! Where entities are: [`Places`], from the gazetteers.

use std::collections::HashMap;
use std::sync::Arc;

use config::{GazetteerEntity, GazetteerKind};
use index::Countries;

/// A place with coordinates.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    /// Name for people.
    pub(crate) name: String,
    /// Degrees north, `-90.0..=90.0`.
    pub(crate) latitude: f64,
    /// Degrees east, `-180.0..=180.0`.
    pub(crate) longitude: f64,
}

/// Places of entities by their ids.
#[derive(Debug, Default)]
pub(crate) struct Places {
    /// Cities, regions, seas, and countries where their people live.
    places: HashMap<String, Place>,
    /// Where is what is no place itself.
    countries: Arc<Countries>,
}

/// Sums over the cities of a country, weighted by population.
#[derive(Default)]
struct People {
    latitude: f64,
    /// East and north parts of the longitude, so that the date line does not split a country.
    east: (f64, f64),
    n: f64,
}

impl Places {
    /// Those of the gazetteer. A country lies where the people of its cities live on average.
    pub(crate) fn of(entities: &[GazetteerEntity], countries: &Arc<Countries>) -> Places {
        let mut people: HashMap<&str, People> = HashMap::new();
        let mut places = Places { places: HashMap::new(), countries: Arc::clone(countries) };
        for entity in entities {
            if let (Some(latitude), Some(longitude)) = (entity.latitude, entity.longitude) {
                let place = Place { name: entity.name.clone(), latitude, longitude };
                places.places.insert(entity.id.clone(), place);
                if let (GazetteerKind::City, Some(country)) = (entity.kind, &entity.country) {
                    people.entry(country).or_default().add(latitude, longitude, entity.weight);
                }
            }
        }
        for entity in entities.iter().filter(|it| it.kind == GazetteerKind::Country) {
            let code = entity.id.strip_prefix(GazetteerKind::Country.id_prefix());
            if let Some(people) = code.and_then(|it| people.get(it)) {
                places.places.insert(entity.id.clone(), people.middle(&entity.name));
            }
        }
        places
    }

    /// Id of the place where an entity is: its own, or that of its country; `None` when unknown.
    pub(crate) fn id_of(&self, entity: &str) -> Option<&str> {
        let own = self.places.get_key_value(entity).map(|it| it.0.as_str());
        own.or_else(|| {
            let country = self.countries.country_of(entity)?;
            self.places.get_key_value(&country.id).map(|it| it.0.as_str())
        })
    }

    /// The place with that id.
    pub(crate) fn get(&self, id: &str) -> Option<&Place> {
        self.places.get(id)
    }
}

impl People {
    fn add(&mut self, latitude: f64, longitude: f64, n: u64) {
        let n = n.max(1) as f64;
        let (sin, cos) = longitude.to_radians().sin_cos();
        self.latitude += latitude * n;
        self.east = (self.east.0 + sin * n, self.east.1 + cos * n);
        self.n += n;
    }

    fn middle(&self, name: &str) -> Place {
        Place {
            name: name.to_owned(),
            latitude: self.latitude / self.n,
            longitude: self.east.0.atan2(self.east.1).to_degrees(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(
        id: &str,
        kind: GazetteerKind,
        at: Option<(f64, f64)>,
        weight: u64,
    ) -> GazetteerEntity {
        GazetteerEntity {
            country: Some("FJ".to_owned()),
            latitude: at.map(|it| it.0),
            longitude: at.map(|it| it.1),
            weight,
            ..GazetteerEntity::new(id, kind, id)
        }
    }

    #[test]
    fn a_country_lies_where_its_people_live_also_across_the_date_line() {
        let entities = [
            entity("country:FJ", GazetteerKind::Country, None, 0),
            entity("city:1", GazetteerKind::City, Some((-16.0, 178.0)), 100),
            entity("city:2", GazetteerKind::City, Some((-18.0, -178.0)), 100),
            entity("company:x", GazetteerKind::Company, None, 0),
        ];
        let places = Places::of(&entities, &Arc::new(Countries::of(&entities)));
        let fiji = places.get("country:FJ").expect("a country with cities");
        assert_eq!(fiji.latitude, -17.0);
        assert!((fiji.longitude.abs() - 180.0).abs() < 1e-9, "{fiji:?}");
        assert_eq!(places.id_of("city:1"), Some("city:1"));
        assert_eq!(places.id_of("company:x"), Some("country:FJ"));
        assert_eq!(places.id_of("name:person:nobody"), None);
    }
}
