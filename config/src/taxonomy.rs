//! `taxonomy.toml`: the sectors, the words that name them, and what other vocabularies call them.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Placed;
use crate::declare::declare;
use crate::id::SectorId;
use crate::value::{Rule, not_empty, text_value};

/// Sectors of STIX 2.1 `industry-sector-ov` (OASIS, 10 June 2021, section 10.8).
pub const STIX_SECTORS: &[&str] = &[
    "agriculture",
    "aerospace",
    "automotive",
    "chemical",
    "commercial",
    "communications",
    "construction",
    "defense",
    "education",
    "energy",
    "entertainment",
    "financial-services",
    "government",
    "emergency-services",
    "government-local",
    "government-national",
    "government-public-services",
    "government-regional",
    "healthcare",
    "hospitality-leisure",
    "infrastructure",
    "dams",
    "nuclear",
    "water",
    "insurance",
    "manufacturing",
    "mining",
    "non-profit",
    "pharmaceuticals",
    "retail",
    "technology",
    "telecommunications",
    "transportation",
    "utilities",
];

/// The 16 critical infrastructure sectors of CISA (Presidential Policy Directive 21, 2013).
pub const CISA_SECTORS: &[&str] = &[
    "Chemical",
    "Commercial Facilities",
    "Communications",
    "Critical Manufacturing",
    "Dams",
    "Defense Industrial Base",
    "Emergency Services",
    "Energy",
    "Financial Services",
    "Food and Agriculture",
    "Government Services and Facilities",
    "Healthcare and Public Health",
    "Information Technology",
    "Nuclear Reactors, Materials, and Waste",
    "Transportation Systems",
    "Water and Wastewater",
];

/// Sectors of NIS2 (Directive (EU) 2022/2555): annex, then sector.
pub const NIS2_SECTORS: &[(Annex, &[&str])] = &[
    (
        Annex::I,
        &[
            "energy",
            "transport",
            "banking",
            "financial market infrastructures",
            "health",
            "drinking water",
            "waste water",
            "digital infrastructure",
            "ICT service management",
            "public administration",
            "space",
        ],
    ),
    (
        Annex::II,
        &[
            "postal and courier",
            "waste management",
            "chemicals",
            "food",
            "manufacturing",
            "digital providers",
            "research",
        ],
    ),
];

declare! {
    /// A sector of the economy or of public life, one `[[sector]]` of `taxonomy.toml`.
    pub struct Sector {
        /// Facet path with a leading slash: `/energy/oil-gas`. Its parent must exist.
        id: SectorId => Rule::new(
            "a path such as \"/energy\" or \"/energy/oil-gas\" from a-z, 0-9 and -",
            |it: &SectorId| is_facet_path(it.as_str()),
        ),
        /// Name shown to readers.
        label: String => not_empty(),
        /// Words and phrases for things of this sector, in English, singular, lower case unless
        /// always written in capitals: `oil tanker`. Plurals match too.
        keywords: Vec<String>,
        /// Its sectors in STIX 2.1 `industry-sector-ov`.
        stix: Vec<StixSector>,
        /// Its sectors among CISA's sixteen; none when it is no critical infrastructure.
        cisa: Vec<CisaSector>,
        /// Its sectors in the annexes of NIS2; none when it is in neither.
        nis2: Vec<Nis2Sector>,
    }
}

declare! {
    /// A sector of NIS2: `{ annex = "I", sector = "energy" }`.
    pub struct Nis2Sector {
        /// `I` (high criticality) or `II` (other critical sectors).
        annex: Annex,
        /// Name of the sector in that annex, in lower case.
        sector: String,
    }
}

declare! {
    /// Everything in `taxonomy.toml`.
    pub(crate) struct TaxonomyFile {
        /// The sectors, each parent before its children.
        sector: Vec<Placed<Sector>>,
    }
}

/// A value of STIX `industry-sector-ov`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct StixSector(pub String);

text_value!(
    StixSector,
    "a value of STIX industry-sector-ov",
    |it| STIX_SECTORS.contains(&it).then(|| StixSector(it.to_owned())),
    |it| it.0.clone(),
    hint STIX_SECTORS
);

/// One of CISA's 16 sectors.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(transparent)]
pub struct CisaSector(pub String);

text_value!(
    CisaSector,
    "one of CISA's 16 sectors",
    |it| CISA_SECTORS.contains(&it).then(|| CisaSector(it.to_owned())),
    |it| it.0.clone(),
    hint CISA_SECTORS
);

/// An annex of NIS2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub enum Annex {
    /// Sectors of high criticality.
    I,
    /// Other critical sectors.
    II,
}

text_value!(
    Annex,
    "\"I\" or \"II\"",
    |it| match it {
        "I" => Some(Annex::I),
        "II" => Some(Annex::II),
        _ => None,
    },
    |it| format!("{it:?}")
);

impl Nis2Sector {
    /// Whether the annex has that sector.
    pub(crate) fn exists(&self) -> bool {
        NIS2_SECTORS
            .iter()
            .any(|(annex, names)| *annex == self.annex && names.contains(&self.sector.as_str()))
    }
}

/// The tree of sectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Taxonomy {
    sectors: Vec<Sector>,
    places: BTreeMap<SectorId, usize>,
}

impl Taxonomy {
    pub(crate) fn new(sectors: Vec<Sector>) -> Taxonomy {
        let places = sectors.iter().enumerate().map(|(at, it)| (it.id.clone(), at)).collect();
        Taxonomy { sectors, places }
    }

    /// The sectors in the order of the file, each parent before its children.
    pub fn sectors(&self) -> &[Sector] {
        &self.sectors
    }

    /// The sector `id`, or `None` when there is no such sector.
    pub fn get(&self, id: &SectorId) -> Option<&Sector> {
        self.places.get(id).map(|at| &self.sectors[*at])
    }

    /// Every id.
    pub fn ids(&self) -> BTreeSet<SectorId> {
        self.places.keys().cloned().collect()
    }
}

fn is_facet_path(path: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|c| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'-'))
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(is_part))
}
