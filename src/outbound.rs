//! Calls to addresses that are data: what a tenant registered must not make this server fetch from
//! its own machine, its network, or the metadata service of a cloud.
//!
//! A name is judged by what it resolves to, when the connection is made and for the very addresses
//! that are connected to, so that it helps nobody to let it resolve to something else a moment later.
//! No redirect is followed, and no proxy of the environment is used, which would resolve names by
//! itself.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Where calls may go.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Whether this machine may be called, also by plain http.
    pub loopback: bool,
    /// Networks that may be called although they are not public.
    pub networks: Vec<IpNet>,
}

/// An address that is not called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// It cannot be read, is not https, or carries credentials.
    #[error("it is not an https address")]
    NotHttps,
    /// It leads to a place that is not public.
    #[error("it leads to no public address")]
    NotPublic,
}

impl Reach {
    /// Reads an address, when it is one that may be called as far as can be seen without resolving
    /// its name.
    ///
    /// # Errors
    /// Why it may not.
    pub fn check(&self, address: &str) -> Result<Url, Unreachable> {
        let url = Url::parse(address).map_err(|_| Unreachable::NotHttps)?;
        let literal = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(Unreachable::NotHttps),
        };
        let here = match literal {
            Some(address) => address.to_canonical().is_loopback(),
            None => url.host_str() == Some("localhost"),
        };
        let plain = url.scheme() == "http" && self.loopback && here;
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || (url.scheme() != "https" && !plain) {
            return Err(Unreachable::NotHttps);
        }
        // A resolver is not asked about these.
        if literal.is_some_and(|address| !self.includes(address)) {
            return Err(Unreachable::NotPublic);
        }
        Ok(url)
    }

    /// Whether an address may be connected to.
    pub fn includes(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        is_public(address)
            || (self.loopback && address.is_loopback())
            || self
                .networks
                .iter()
                .any(|network| network.contains(&address))
    }

    /// A client that connects to nothing else. Each address must have passed [`check`](Self::check).
    pub fn client(&self) -> reqwest::ClientBuilder {
        self.client_with(Arc::new(System))
    }

    /// The same with names resolved by another resolver.
    pub fn client_with(&self, names: Arc<dyn Resolve>) -> reqwest::ClientBuilder {
        let resolver = Within {
            reach: self.clone(),
            names,
        };
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .dns_resolver(Arc::new(resolver))
    }
}

/// Resolves as another does, and leaves out what may not be connected to.
struct Within {
    reach: Reach,
    names: Arc<dyn Resolve>,
}

impl Resolve for Within {
    fn resolve(&self, name: Name) -> Resolving {
        let (reach, resolving) = (self.reach.clone(), self.names.resolve(name));
        Box::pin(async move {
            let found = resolving.await?;
            let within: Vec<SocketAddr> = found.filter(|at| reach.includes(at.ip())).collect();
            if within.is_empty() {
                return Err(Unreachable::NotPublic.into());
            }
            Ok(Box::new(within.into_iter()) as Addrs)
        })
    }
}

/// The system's resolver.
struct System;

impl Resolve for System {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0))
                .await?
                .collect::<Vec<_>>();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is one of the public Internet, by IANA's registries of special addresses.
fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        // This network, and whatever the system makes of 0.0.0.0; private; protocols' own; examples.
        [0 | 10 | 127, ..]
        | [169, 254, ..]
        | [192, 168, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => true,
        [100, second, ..] => second & 0b1100_0000 == 64,
        [172, second, ..] => second & 0b1111_0000 == 16,
        [198, second, ..] => second & 0b1111_1110 == 18,
        // Multicast, reserved, broadcast.
        [first, ..] => first >= 224,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // IPv4 behind a translator (NAT64) is as public as what stands in it.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocols' own (Teredo among them), documentation, 6to4.
        [0x2001, second, ..] if second < 0x200 => false,
        [0x2001, 0xdb8, ..] | [0x2002, ..] => false,
        [0x3fff, second, ..] if second < 0x1000 => false,
        // Only this is handed out; all else is local, multicast or nobody's.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn what_is_not_public_is_known() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(ip(address)), "{address}");
        }
        for address in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "169.253.1.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "192.167.1.1",
            "198.17.0.1",
            "198.20.0.1",
            "223.255.255.255",
            "2001:4860:4860::8888",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(ip(address)), "{address}");
        }
    }

    #[test]
    fn addresses_are_https_and_literal_ones_public() {
        let closed = Reach::default();
        for address in [
            "https://keys.example/jwks",
            "https://1.1.1.1/",
            "https://[2606:4700::1]/",
        ] {
            assert!(closed.check(address).is_ok(), "{address}");
        }
        // Every spelling of 127.0.0.1 is read as what it is.
        for address in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://0/",
            "https://169.254.169.254/latest/meta-data",
            "https://10.1.2.3/",
            "https://[fd00::1]/",
        ] {
            assert_eq!(
                closed.check(address),
                Err(Unreachable::NotPublic),
                "{address}"
            );
        }
        for address in [
            "http://keys.example/",
            "http://127.0.0.1/",
            "ftp://keys.example/",
            "file:///etc/passwd",
            "https://user@keys.example/",
            "gopher://x/",
            "keys.example",
            "",
        ] {
            assert_eq!(
                closed.check(address),
                Err(Unreachable::NotHttps),
                "{address}"
            );
        }
    }

    #[test]
    fn what_a_setting_allows_is_no_more_than_that() {
        let networks = vec!["10.1.2.0/24".parse().expect("a network")];
        let some = Reach {
            loopback: false,
            networks,
        };
        assert!(some.check("https://10.1.2.3/").is_ok());
        assert!(some.includes(ip("::ffff:10.1.2.3")));
        assert!(some.check("http://10.1.2.3/").is_err());
        assert!(some.check("https://10.1.3.3/").is_err());
        assert!(some.check("https://127.0.0.1/").is_err());
        let here = Reach {
            loopback: true,
            networks: Vec::new(),
        };
        assert!(here.check("http://127.0.0.1:8080/").is_ok());
        assert!(here.check("http://localhost:8080/").is_ok());
        assert!(here.check("http://keys.example/").is_err());
        assert!(here.check("https://10.1.2.3/").is_err());
    }
}
