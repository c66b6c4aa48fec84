//! What the gazetteers and the taxonomy know about entities and sectors: [`Facts`].

use std::collections::HashMap;

use config::{Config, GazetteerKind};

/// What is known of an entity beyond its name.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Fact {
    /// Canonical name.
    pub(crate) name: String,
    /// ISO 3166-1 alpha-2.
    pub(crate) country: Option<String>,
    /// Latitude and longitude in degrees.
    pub(crate) position: Option<(f64, f64)>,
    /// Other names.
    pub(crate) aliases: Vec<String>,
    /// Facet paths.
    pub(crate) sectors: Vec<String>,
    /// Whether it is a body of a state.
    pub(crate) is_government: bool,
    /// Whether it is a business.
    pub(crate) is_company: bool,
}

/// Facts by entity id, and sectors by facet path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    by_id: HashMap<String, Fact>,
    sectors: HashMap<String, SectorFact>,
    /// Ids of vulnerabilities that have a name, by their CVE numbers in upper case.
    cves: HashMap<String, String>,
}

#[derive(Clone, Debug, Default)]
struct SectorFact {
    label: String,
    stix: Vec<String>,
}

impl Facts {
    /// What `config` declares.
    pub(crate) fn of(config: &Config) -> Facts {
        let by_id = config.gazetteer.iter().map(|it| {
            let fact = Fact {
                name: it.name.clone(),
                country: it.country.clone(),
                position: it.latitude.zip(it.longitude),
                aliases: it.aliases.clone(),
                sectors: it.sectors.iter().map(|it| it.as_str().to_owned()).collect(),
                is_government: matches!(
                    it.kind,
                    GazetteerKind::Government | GazetteerKind::Agency | GazetteerKind::Country
                ),
                is_company: it.kind == GazetteerKind::Company,
            };
            (it.id.clone(), fact)
        });
        let sectors = config.taxonomy.sectors().iter().map(|it| {
            let stix = it.stix.iter().map(|it| it.0.clone()).collect();
            (it.id.to_string(), SectorFact { label: it.label.clone(), stix })
        });
        let named = config.gazetteer.iter().filter(|it| it.kind == GazetteerKind::Vulnerability);
        let cves = named.flat_map(|it| {
            let numbers = it.names().map(str::to_uppercase).filter(|it| it.starts_with("CVE-"));
            numbers.map(|number| (number, it.id.clone()))
        });
        Facts { by_id: by_id.collect(), sectors: sectors.collect(), cves: cves.collect() }
    }

    /// Id of the vulnerability with that CVE number, when it has a name of its own.
    pub(crate) fn vulnerability(&self, cve: &str) -> Option<&str> {
        self.cves.get(cve).map(String::as_str)
    }

    /// What is known of the entity with that id.
    pub(crate) fn get(&self, id: &str) -> Option<&Fact> {
        self.by_id.get(id)
    }

    /// Canonical name of the entity with that id.
    pub(crate) fn name(&self, id: &str) -> Option<&str> {
        self.get(id).map(|it| it.name.as_str())
    }

    /// Country of an entity: declared, or the country that it is.
    pub(crate) fn country<'a>(&'a self, id: &'a str) -> Option<&'a str> {
        let code = id.strip_prefix("country:").filter(|it| it.len() == 2);
        code.or_else(|| self.get(id).and_then(|it| it.country.as_deref()))
    }

    /// Name of a sector; its path when it is unknown.
    pub(crate) fn sector_label<'a>(&'a self, path: &'a str) -> &'a str {
        self.sectors.get(path).map_or(path, |it| &it.label)
    }

    /// A sector in STIX's `industry-sector-ov`.
    pub(crate) fn stix_sectors(&self, path: &str) -> &[String] {
        self.sectors.get(path).map(|it| it.stix.as_slice()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vulnerability_with_a_name_is_found_by_its_number() {
        let facts = Facts::of(&Config::builtin().unwrap());
        assert_eq!(facts.vulnerability("CVE-2019-0708"), Some("vulnerability:bluekeep"));
        assert_eq!(facts.name("vulnerability:bluekeep"), Some("BlueKeep"));
        assert_eq!(facts.vulnerability("CVE-1999-0001"), None);
    }
}
