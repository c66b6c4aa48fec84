//! Signatures of webhooks, as Standard Webhooks has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

/// A secret as its holder wrote it: `whsec_` and base64, or any text.
fn key(secret: &str) -> hmac::Key {
    let decoded = secret.strip_prefix("whsec_").and_then(|it| STANDARD.decode(it).ok());
    let bytes = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    hmac::Key::new(hmac::HMAC_SHA256, &bytes)
}

fn signed_content(id: &str, timestamp: i64, body: &[u8]) -> Vec<u8> {
    let mut content = format!("{id}.{timestamp}.").into_bytes();
    content.extend_from_slice(body);
    content
}

/// The header `webhook-signature` for a message: `v1,` and the base64 of HMAC-SHA256 over
/// `id.timestamp.body`.
pub fn signature(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let tag = hmac::sign(&key(secret), &signed_content(id, timestamp, body));
    format!("v1,{}", STANDARD.encode(tag.as_ref()))
}

/// Whether one of the signatures in the header is right, in constant time: what a receiver does.
/// It should also refuse timestamps that are more than five minutes off.
pub fn is_signed(secret: &str, id: &str, timestamp: i64, body: &[u8], header: &str) -> bool {
    let (key, content) = (key(secret), signed_content(id, timestamp, body));
    header.split(' ').filter_map(|it| it.strip_prefix("v1,")).any(|it| {
        let tag = STANDARD.decode(it).unwrap_or_default();
        hmac::verify(&key, &content, &tag).is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_gives_its_signature() {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let body = br#"{"test": 2432232314}"#;
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signed = signature(secret, id, 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        assert!(is_signed(secret, id, 1_614_265_330, body, &format!("v1,AAAA {signed}")));
        assert!(!is_signed(secret, id, 1_614_265_331, body, &signed));
        assert!(!is_signed("whsec_AAAA", id, 1_614_265_330, body, &signed));
    }
}
