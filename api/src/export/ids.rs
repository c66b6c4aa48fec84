//! Identifiers for STIX, MISP and FollowTheMoney: UUIDv5 of what an object stands for, in a
//! namespace of the project.

use uuid::Uuid;

/// The project's namespace; never changes, or exports made before and after no longer merge.
const NAMESPACE: Uuid = Uuid::from_u128(0xdee6_7158_2082_4ada_b153_d2b1_33ac_9ad3);

/// The UUID of the object of type `kind` that stands for `parts`.
pub(crate) fn uuid(kind: &str, parts: &[&str]) -> Uuid {
    // A separator that ids cannot hold keeps `ab|c` and `a|bc` apart.
    let name = format!("{kind}\u{1f}{}", parts.join("\u{1f}"));
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(NAMESPACE.as_bytes());
    sha1.update(name.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&sha1.digest().bytes()[..16]);
    uuid::Builder::from_sha1_bytes(bytes).into_uuid()
}

/// The STIX id of the object of type `kind` that stands for `parts`.
pub(crate) fn of(kind: &str, parts: &[&str]) -> String {
    format!("{kind}--{}", uuid(kind, parts))
}

/// An id that is used once, for bundles.
pub(crate) fn random(kind: &str) -> String {
    format!("{kind}--{}", Uuid::new_v4())
}

/// The UUID of an id of ours as a number, to remember it by.
pub(crate) fn number(id: &str) -> u128 {
    let uuid = id.rsplit_once("--").and_then(|(_, it)| it.parse::<Uuid>().ok());
    uuid.unwrap_or_default().as_u128()
}
