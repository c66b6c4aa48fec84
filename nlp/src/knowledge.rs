//! What Harbinger knows before it reads: entities by name, sectors by keyword.
//!
//! Built once from the configuration, then shared by all threads and never changed.

use config::{GazetteerEntity, Taxonomy};

use crate::gazetteer::Gazetteer;
use crate::sector::SectorWords;

/// Names of entities and words of sectors, ready for look-up.
#[derive(Clone, Debug, Default)]
pub struct Knowledge {
    /// Entities by name.
    pub gazetteer: Gazetteer,
    /// Sectors by word.
    pub sectors: SectorWords,
}

impl Knowledge {
    /// Takes the entities and sectors that a user declares or that are built in.
    pub fn new(entities: Vec<GazetteerEntity>, taxonomy: &Taxonomy) -> Knowledge {
        Knowledge { gazetteer: Gazetteer::new(entities), sectors: SectorWords::new(taxonomy) }
    }
}
