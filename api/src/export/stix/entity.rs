//! Entities as objects: which type each kind becomes, and the parts that a state plays.

use index::graph::{DESCRIPTION, Party, SECTOR};
use serde_json::{Map, Value, json};

use super::{Batch, Mapper, fixed, with_extension};
use crate::export::ids;

const N_ALIASES_MAX: usize = 20;

impl Mapper {
    /// The object that stands for an entity; writes it once. Returns its id.
    pub(super) fn entity(
        &mut self,
        entity: &str,
        kind: &str,
        name: &str,
        batch: &mut Batch<'_>,
    ) -> String {
        let kind_of_object = match kind {
            "threat-group" => "intrusion-set",
            "location" => "location",
            "malware" | "tool" | "vulnerability" => kind,
            _ => "identity",
        };
        let id = ids::of(kind_of_object, &["entity", entity]);
        if self.is_new(&id) {
            let mut object = self.object_of_entity(kind_of_object, &id, name, entity);
            match kind_of_object {
                "intrusion-set" => self.add_aliases(&mut object, entity),
                "location" => self.add_place(&mut object, entity, name),
                "malware" => {
                    object.insert("is_family".into(), json!(true));
                }
                "vulnerability" => add_cve(&mut object, name),
                "identity" => self.add_class(&mut object, entity, kind),
                _ => {}
            }
            batch.objects.push(with_extension(object, json!({"entity": entity, "kind": kind})));
            self.place(&id, entity, kind_of_object, batch);
        }
        id
    }

    /// Whom a statement means, as the party it is by itself.
    pub(super) fn party(&mut self, party: &Party, batch: &mut Batch<'_>) -> String {
        let kind = self.kind_of(party, batch);
        self.entity(&party.id, &kind, &party.name, batch)
    }

    /// Kind of a party: the article's, or what its id says.
    pub(super) fn kind_of(&self, party: &Party, batch: &Batch<'_>) -> String {
        if !party.is_entity {
            return party.kind().to_owned();
        }
        batch.kinds.get(party.id.as_str()).map_or(DESCRIPTION, |it| it).to_owned()
    }

    /// Who speaks, warns or threatens: places speak through their government.
    pub(super) fn voice(&mut self, party: &Party, batch: &mut Batch<'_>) -> String {
        let own = self.party(party, batch);
        if !own.starts_with("location--") {
            return own;
        }
        let id = ids::of("identity", &["government", &party.id]);
        if self.is_new(&id) {
            let name = format!("{} (government)", party.name);
            let mut object = self.object_of_entity("identity", &id, &name, &party.id);
            object.insert("identity_class".into(), json!("organization"));
            object.insert("sectors".into(), json!(["government-national"]));
            let extension = json!({"entity": party.id, "role": "government"});
            batch.objects.push(with_extension(object, extension));
            self.link("located-at", &id, &own, batch);
        }
        id
    }

    /// Who commits an act: an intrusion set or malware by itself, everybody else as a threat
    /// actor that is attributed to the one behind it.
    pub(super) fn perpetrator(&mut self, party: &Party, batch: &mut Batch<'_>) -> String {
        let own = self.party(party, batch);
        if ["intrusion-set--", "malware--", "tool--"].iter().any(|it| own.starts_with(it)) {
            return own;
        }
        let behind = self.voice(party, batch);
        let id = ids::of("threat-actor", &["entity", &party.id]);
        if self.is_new(&id) {
            let is_state = own.starts_with("location--")
                || self.facts.get(&party.id).is_some_and(|it| it.is_government);
            let mut object = self.object_of_entity("threat-actor", &id, &party.name, &party.id);
            let kind = if is_state { "nation-state" } else { "unknown" };
            object.insert("threat_actor_types".into(), json!([kind]));
            let extension = json!({"entity": party.id, "role": "perpetrator"});
            batch.objects.push(with_extension(object, extension));
            if behind.starts_with("identity--") {
                self.link("attributed-to", &id, &behind, batch);
            }
        }
        id
    }

    /// To whom it is done: groups are hit as organisations, since an intrusion set cannot be.
    pub(super) fn victim(&mut self, party: &Party, batch: &mut Batch<'_>) -> String {
        let own = self.party(party, batch);
        if !own.starts_with("intrusion-set--") {
            return own;
        }
        let id = ids::of("identity", &["victim", &party.id]);
        if self.is_new(&id) {
            let mut object = self.object_of_entity("identity", &id, &party.name, &party.id);
            object.insert("identity_class".into(), json!("group"));
            let extension = json!({"entity": party.id, "role": "victim"});
            batch.objects.push(with_extension(object, extension));
            self.link("related-to", &own, &id, batch);
        }
        id
    }

    /// The publisher of the batch's article.
    pub(super) fn outlet(&mut self, batch: &mut Batch<'_>) -> String {
        let article = batch.article;
        let id = ids::of("identity", &["source", article.source.as_str()]);
        if self.is_new(&id) {
            let name = match article.source_name.trim() {
                "" => article.source.as_str(),
                name => name,
            };
            let mut object = self.object_of_entity("identity", &id, name, article.source.as_str());
            object.insert("identity_class".into(), json!("organization"));
            let extension = json!({"source": article.source, "role": "source"});
            batch.objects.push(with_extension(object, extension));
        }
        id
    }

    fn object_of_entity(
        &self,
        kind: &str,
        id: &str,
        name: &str,
        entity: &str,
    ) -> Map<String, Value> {
        let mut object = self.object(kind, id, fixed::epoch(), fixed::epoch());
        let name = if name.trim().is_empty() { entity } else { name };
        object.insert("name".into(), json!(name));
        object
    }

    fn add_aliases(&self, object: &mut Map<String, Value>, entity: &str) {
        let aliases = self.facts.get(entity).map(|it| it.aliases.as_slice()).unwrap_or_default();
        if !aliases.is_empty() {
            let some: Vec<&String> = aliases.iter().take(N_ALIASES_MAX).collect();
            object.insert("aliases".into(), json!(some));
        }
    }

    fn add_place(&self, object: &mut Map<String, Value>, entity: &str, name: &str) {
        let country = self.facts.country(entity);
        if let Some(country) = country {
            object.insert("country".into(), json!(country));
        }
        let position = self.facts.get(entity).and_then(|it| it.position);
        if let Some((latitude, longitude)) = position.filter(|_| !entity.starts_with("country:")) {
            object.insert("latitude".into(), json!(latitude));
            object.insert("longitude".into(), json!(longitude));
        } else if country.is_none() {
            // The standard wants a region where neither country nor position is known.
            object.insert("region".into(), json!(name.to_lowercase()));
        }
    }

    fn add_class(&self, object: &mut Map<String, Value>, entity: &str, kind: &str) {
        let class = match kind {
            "person" => "individual",
            "organization" => "organization",
            SECTOR => "class",
            _ => "unspecified",
        };
        object.insert("identity_class".into(), json!(class));
        let declared = self.facts.get(entity).map(|it| it.sectors.as_slice()).unwrap_or_default();
        let own = entity.strip_prefix("sector:").map(str::to_owned);
        let paths = declared.iter().chain(&own);
        let mut sectors: Vec<&String> = paths.flat_map(|it| self.facts.stix_sectors(it)).collect();
        sectors.sort();
        sectors.dedup();
        if !sectors.is_empty() {
            object.insert("sectors".into(), json!(sectors));
        }
        if let Some(path) = &own {
            object.insert("name".into(), json!(self.facts.sector_label(path)));
        }
    }

    /// Says in which country an organisation sits, or a group comes from, when that is known.
    fn place(&mut self, id: &str, entity: &str, kind_of_object: &str, batch: &mut Batch<'_>) {
        let kind = match kind_of_object {
            "identity" => "located-at",
            "intrusion-set" => "originates-from",
            _ => return,
        };
        let Some(country) = self.facts.country(entity).map(|it| format!("country:{it}")) else {
            return;
        };
        if country == entity {
            return;
        }
        // Only where the country is known by name: else two exports would name it differently.
        let Some(name) = self.facts.name(&country).map(str::to_owned) else { return };
        let place = self.entity(&country, "location", &name, batch);
        self.link(kind, id, &place, batch);
    }

    /// A relationship that no article states: it follows from what the objects stand for.
    fn link(&mut self, kind: &str, from: &str, to: &str, batch: &mut Batch<'_>) {
        let id = ids::of("relationship", &[kind, from, to]);
        if self.is_new(&id) {
            let mut object = self.object("relationship", &id, fixed::epoch(), fixed::epoch());
            object.insert("relationship_type".into(), json!(kind));
            object.insert("source_ref".into(), json!(from));
            object.insert("target_ref".into(), json!(to));
            batch.objects.push(Value::Object(object));
        }
    }
}

fn add_cve(object: &mut Map<String, Value>, name: &str) {
    let cve = name.to_uppercase();
    if cve.starts_with("CVE-") {
        let reference = json!({"source_name": "cve", "external_id": cve});
        // However articles write it: another export names it the same.
        object.insert("name".into(), json!(cve));
        object.insert("external_references".into(), json!([reference]));
    }
}
