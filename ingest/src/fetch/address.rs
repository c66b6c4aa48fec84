//! Which addresses may be asked, and a resolver that leaves out the others.
//!
//! The check is made where the connection is made: a name that resolves to a public address when
//! checked and to `127.0.0.1` when connected (DNS rebinding) gains nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Host;

/// Whether `address` is a public unicast address.
///
/// Not public are loopback, private (RFC 1918), shared (RFC 6598), link-local (with the metadata
/// services of clouds), benchmark, documentation, multicast, reserved and unspecified addresses,
/// and IPv6 addresses that hold such an IPv4 address (mapped, compatible, NAT64, 6to4). NAT64 of local
/// use (`64:ff9b:1::/48`, RFC 8215) is never public.
pub fn is_public_address(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let is_shared = a == 100 && (64..128).contains(&b);
    let is_protocol_assignment = a == 192 && b == 0 && c == 0;
    let is_relay_anycast = a == 192 && b == 88 && c == 99;
    let is_benchmark = a == 198 && (b == 18 || b == 19);
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || is_shared
        || is_protocol_assignment
        || is_relay_anycast
        || is_benchmark)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    if let Some(inner) = embedded_v4(address) {
        return is_public_v4(inner);
    }
    // Only 2000::/3 is handed out for global unicast (RFC 4291); it holds a few special blocks.
    let is_global_unicast = segments[0] & 0xe000 == 0x2000;
    let is_documentation =
        (segments[0] == 0x2001 && segments[1] == 0xdb8) || segments[0] & 0xfff0 == 0x3ff0;
    let is_protocol_assignment = segments[0] == 0x2001 && segments[1] < 0x200;
    is_global_unicast && !is_documentation && !is_protocol_assignment
}

/// The IPv4 address inside a mapped, compatible, NAT64 or 6to4 address.
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let s = address.segments();
    let tail = || {
        let [a, b] = s[6].to_be_bytes();
        let [c, d] = s[7].to_be_bytes();
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => Some(tail()),
        [0, 0, 0, 0, 0, 0, ..] => Some(tail()),
        // RFC 6052: the well-known prefix has 96 bits.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => Some(tail()),
        [0x2002, high, low, ..] => {
            let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
            Some(Ipv4Addr::new(a, b, c, d))
        }
        _ => None,
    }
}

/// Whether a URL's host is written as an address that is not public.
///
/// Names are checked by [`PublicResolver`] when they are resolved; literal addresses never reach
/// a resolver.
pub(super) fn is_refused_literal(host: Option<Host<&str>>) -> bool {
    match host {
        Some(Host::Ipv4(v4)) => !is_public_v4(v4),
        Some(Host::Ipv6(v6)) => !is_public_v6(v6),
        Some(Host::Domain(_)) => false,
        None => true,
    }
}

/// Whether a URL's host is a name that means something on inner networks only: without a dot, or
/// of a domain set apart for them (RFC 6761, RFC 6762, RFC 8375, `.internal`).
///
/// For requests whose names somebody else looks up.
pub(super) fn is_inner_name(host: Option<Host<&str>>) -> bool {
    let Some(Host::Domain(name)) = host else { return false };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let inner = [".localhost", ".local", ".internal", ".home.arpa", ".lan", ".localdomain"];
    !name.contains('.') || inner.iter().any(|it| name.ends_with(it))
}

/// A name resolved to addresses, none of which may be asked.
#[derive(Debug)]
pub(super) struct AddressRefused {
    host: String,
}

impl fmt::Display for AddressRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "`{}` resolves to no public address", self.host)
    }
}

impl std::error::Error for AddressRefused {}

/// Resolves names and drops every address that is not public.
pub(super) struct PublicResolver {
    /// In place of the system's resolver.
    pub(super) look_up: Option<fn(&str) -> Vec<IpAddr>>,
}

impl Resolve for PublicResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (host, look_up) = (name.as_str().to_owned(), self.look_up);
        Box::pin(async move {
            let found: Vec<SocketAddr> = match look_up {
                Some(look_up) => {
                    look_up(&host).into_iter().map(|it| SocketAddr::new(it, 0)).collect()
                }
                None => tokio::net::lookup_host((host.as_str(), 0)).await?.collect(),
            };
            let n_found = found.len();
            let public: Vec<SocketAddr> =
                found.into_iter().filter(|it| is_public_address(it.ip())).collect();
            if public.is_empty() && n_found > 0 {
                return Err(
                    Box::new(AddressRefused { host }) as Box<dyn std::error::Error + Send + Sync>
                );
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: bool) {
        assert_eq!(is_public_address(address.parse().unwrap()), expected, "{address}");
    }

    #[test]
    fn addresses_of_inner_networks_are_not_public() {
        for address in [
            "127.0.0.1",
            "127.255.0.9",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "100.127.255.255",
            "0.0.0.0",
            "0.1.2.3",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "192.0.0.192",
            "198.18.0.1",
            "192.0.2.1",
            "::",
            "::1",
            "fe80::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:10.0.0.1",
            "64:ff9b::a00:1",
            // Of local use, and of no use at all: the last bits say nothing.
            "64:ff9b:1::101:101",
            "64:ff9b:1:7f00:0:100:101:101",
            "64:ff9b:0:1::101:101",
            "2002:7f00:1::",
            "::10.0.0.1",
            "100::1",
        ] {
            check(address, false);
        }
    }

    #[test]
    fn addresses_of_the_internet_are_public() {
        for address in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            check(address, true);
        }
    }

    #[test]
    fn every_spelling_of_loopback_in_a_url_is_refused() {
        for url in [
            "http://127.1/",
            "http://0x7f.0.0.1/",
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://0/",
        ] {
            let parsed = url::Url::parse(url).unwrap();
            assert!(is_refused_literal(parsed.host()), "{url}");
        }
        for url in ["http://localhost/", "http://db.localhost./", "http://nas/", "http://x.LOCAL/"]
        {
            assert!(is_inner_name(url::Url::parse(url).unwrap().host()), "{url}");
        }
        for url in ["http://a.example/", "http://x.onion/", "http://localhost.example/"] {
            assert!(!is_inner_name(url::Url::parse(url).unwrap().host()), "{url}");
        }
        let public = url::Url::parse("http://1.1.1.1/").unwrap();
        assert!(!is_refused_literal(public.host()));
    }
}
