//! Objects that are the same in every export: producer, extension definition, TLP markings.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::export::{Tlp, ids};

/// OASIS's extension for TLP 2.0 markings.
const TLP_EXTENSION: &str = "extension-definition--60a3c5c5-0d10-413e-aab3-9e08dde9e88d";
/// When the objects that stand for entities were made: long before any export, always the same.
const EPOCH: &str = "2020-01-01T00:00:00.000Z";
/// What the extension holds; readable by people, as the standard allows.
const SCHEMA: &str = "Properties that Harbinger adds. On notes and relationships: statement, kind \
    (threat, warning, attack, claim, denial, attempt), domain (cyber, physical, economic, \
    political), modality (asserted, possible, conditional, denied), tense, act_from and act_to \
    (days), sentence, trigger, actors, targets, means and speaker (words with character offsets \
    in the article's text, or headline when in_title), sectors (facet paths), score (0 to 1), \
    edge (what the graph calls a relationship). \
    On objects that stand for entities: entity (id), kind, role. On reports and groupings: \
    article, source, story, authors, fetched_at, section, tags, is_paywall_stub.";

/// Id of the identity that made every object.
pub(super) fn producer_id() -> String {
    ids::of("identity", &["producer", "harbinger"])
}

/// Id of the definition of our property extension.
pub(super) fn extension_id() -> String {
    ids::of("extension-definition", &["property-extension", "1"])
}

/// Id of the marking definition of a TLP 2.0 label.
pub(super) fn marking_id(tlp: Tlp) -> &'static str {
    match tlp {
        Tlp::Clear => "marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
        Tlp::Green => "marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
        Tlp::Amber => "marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
        Tlp::AmberStrict => "marking-definition--939a9414-2ddd-4d32-a0cd-375ea402b003",
        Tlp::Red => "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1",
    }
}

/// When the objects that stand for entities were made.
pub(super) fn epoch() -> DateTime<Utc> {
    EPOCH.parse().expect("a constant in RFC 3339")
}

/// Producer, extension definition and the marking in use.
pub(super) fn objects(tlp: Tlp) -> Vec<Value> {
    let marking = json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": marking_id(tlp),
        "created": "2022-10-01T00:00:00.000Z",
        "name": format!("TLP:{}", tlp.name().to_uppercase()),
        "extensions": {
            TLP_EXTENSION: {"extension_type": "property-extension", "tlp_2_0": tlp.name()},
        },
    });
    let producer = json!({
        "type": "identity",
        "spec_version": "2.1",
        "id": producer_id(),
        "created": EPOCH,
        "modified": EPOCH,
        "name": "Harbinger",
        "description": "News and OSINT threat monitor",
        "identity_class": "system",
        "object_marking_refs": [marking_id(tlp)],
    });
    let extension = json!({
        "type": "extension-definition",
        "spec_version": "2.1",
        "id": extension_id(),
        "created_by_ref": producer_id(),
        "created": EPOCH,
        "modified": EPOCH,
        "name": "Harbinger statements",
        "description": "Kind, domain, modality and offsets of hostile statements",
        "schema": SCHEMA,
        "version": "1.0.0",
        "extension_types": ["property-extension"],
        "object_marking_refs": [marking_id(tlp)],
    });
    vec![marking, producer, extension]
}
