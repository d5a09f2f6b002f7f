//! How often anyone may ask: a person, all of a tenant, and an address from which no valid token
//! comes.
//!
//! A person and their tenant are found once for each token and then travel with its bearer, so that
//! the way of a kept answer costs two atomic operations and no look-up. Everything here is bounded:
//! of more persons or addresses than there is room for, those not seen for longest are forgotten.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use metrics::{counter, describe_counter};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use crate::auth::Viewer;
use crate::domain::ids::{TenantId, UserId};
use crate::service::ServiceError;

/// Counts what was refused, by whose limit it was.
const REFUSED: &str = "rate_limited_total";

/// For how many persons, tenants and addresses there is room, each.
const ROOM: u64 = 100_000;

/// When an address is forgotten: by then its allowances are full again.
const ADDRESS_FORGOTTEN_AFTER: Duration = Duration::from_mins(2);

/// When a person is forgotten of whom no new token came. Longer than any token lives, since each of
/// them holds on to the person that it was verified for.
const PERSON_FORGOTTEN_AFTER: Duration = Duration::from_hours(2);

/// What is allowed. Each figure is a minute's allowance, which may be used at once and comes back
/// evenly.
#[derive(Clone, Copy, Debug)]
pub struct RateSettings {
    /// GraphQL operations of one person.
    pub person_operations: NonZeroU32,
    /// GraphQL operations of all persons of a tenant.
    pub tenant_operations: NonZeroU32,
    /// Sessions of a tenant that are issued.
    pub tenant_sign_ins: NonZeroU32,
    /// Requests of one address that need no token: pages, exchanges, webhooks, sockets to be opened.
    pub address_requests: NonZeroU32,
    /// Requests of one address that show no valid token.
    pub address_failures: NonZeroU32,
    /// How many sockets one person may have open.
    pub sockets: usize,
}

impl Default for RateSettings {
    fn default() -> Self {
        let at = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        Self {
            person_operations: at(600),
            tenant_operations: at(60_000),
            tenant_sign_ins: at(6_000),
            address_requests: at(1_200),
            address_failures: at(120),
            sockets: 20,
        }
    }
}

/// Whose limit it is, as the metric says it.
#[derive(Clone, Copy, Debug)]
enum Whose {
    Person,
    Tenant,
    SignIns,
    Address,
    Failures,
}

impl Whose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Tenant => "tenant",
            Self::SignIns => "tenant_sign_ins",
            Self::Address => "address",
            Self::Failures => "address_failures",
        }
    }
}

/// One allowance.
#[derive(Debug)]
struct Allowance {
    whose: Whose,
    limiter: DefaultDirectRateLimiter,
    since: Instant,
    /// Until when it is known to be used up, in milliseconds after `since`.
    used_up_until: AtomicU64,
}

impl Allowance {
    fn new(whose: Whose, per_minute: NonZeroU32) -> Self {
        Self {
            whose,
            limiter: RateLimiter::direct(Quota::per_minute(per_minute)),
            since: Instant::now(),
            used_up_until: AtomicU64::new(0),
        }
    }

    /// Takes so many; all or none.
    fn take(&self, count: NonZeroU32) -> Result<(), ServiceError> {
        let wait = match self.limiter.check_n(count) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(not_before)) => not_before.wait_time_from(DefaultClock::default().now()),
            // More than a minute's allowance in one request: it never fits.
            Err(_) => Duration::from_mins(1),
        };
        Err(self.refuse(wait))
    }

    /// Takes one, and remembers when that was no longer possible.
    fn note(&self) -> Result<(), ServiceError> {
        let Err(not_before) = self.limiter.check() else {
            return Ok(());
        };
        let wait = not_before.wait_time_from(DefaultClock::default().now());
        let until = millis(self.since.elapsed() + wait);
        self.used_up_until.fetch_max(until, Ordering::Relaxed);
        Err(self.refuse(wait))
    }

    /// Refuses while nothing is left, and takes nothing.
    fn is_open(&self) -> Result<(), ServiceError> {
        let until = self.used_up_until.load(Ordering::Relaxed);
        if until == 0 {
            return Ok(());
        }
        match until.checked_sub(millis(self.since.elapsed())) {
            None | Some(0) => Ok(()),
            Some(left) => Err(self.refuse(Duration::from_millis(left))),
        }
    }

    fn refuse(&self, wait: Duration) -> ServiceError {
        counter!(REFUSED, "whose" => self.whose.as_str()).increment(1);
        ServiceError::RateLimited { retry_after: wait }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A person of a tenant, as far as counting goes.
#[derive(Debug)]
pub struct Person {
    operations: Allowance,
    tenant: Arc<Tenant>,
    sockets: AtomicUsize,
    max_sockets: usize,
}

/// A tenant, as far as counting goes.
#[derive(Debug)]
struct Tenant {
    operations: Allowance,
    sign_ins: Allowance,
}

impl Person {
    /// Counts operations.
    ///
    /// # Errors
    /// `RATE_LIMITED` with the time until they fit.
    pub fn ask(&self, operations: NonZeroU32) -> Result<(), ServiceError> {
        self.operations.take(operations)?;
        self.tenant.operations.take(operations)
    }

    /// Takes one of the person's places for sockets.
    ///
    /// # Errors
    /// `RATE_LIMITED` when all are taken.
    pub fn open_socket(self: &Arc<Self>) -> Result<SocketPlace, ServiceError> {
        let place = SocketPlace(Arc::clone(self));
        if self.sockets.fetch_add(1, Ordering::Relaxed) < self.max_sockets {
            return Ok(place);
        }
        Err(self.operations.refuse(Duration::from_secs(10)))
    }
}

/// One of a person's places for sockets.
#[derive(Debug)]
pub struct SocketPlace(Arc<Person>);

impl Drop for SocketPlace {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A client's address, as far as counting goes: of IPv6 the network, since whoever has one address
/// of it has all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Origin(IpAddr);

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}

/// What is counted of an address.
#[derive(Debug)]
pub struct Address {
    requests: Allowance,
    failures: Allowance,
}

impl Address {
    /// Counts a request that needs no token.
    ///
    /// # Errors
    /// `RATE_LIMITED` with the time until it fits.
    pub fn ask(&self) -> Result<(), ServiceError> {
        self.may_show_a_token()?;
        self.requests.take(NonZeroU32::MIN)
    }

    /// Whether a token from here is looked at.
    ///
    /// # Errors
    /// `RATE_LIMITED` while too many of those shown before were not valid.
    pub fn may_show_a_token(&self) -> Result<(), ServiceError> {
        self.failures.is_open()
    }

    /// Counts a token that was not valid, or was missing.
    pub fn failed(&self) {
        // The next one is refused.
        let _noted = self.failures.note();
    }
}

type PersonKey = (TenantId, Arc<str>, UserId);

/// Everyone who was seen of late.
#[derive(Debug)]
pub struct Rates {
    settings: RateSettings,
    people: Cache<PersonKey, Arc<Person>>,
    tenants: Cache<TenantId, Arc<Tenant>>,
    addresses: Cache<Origin, Arc<Address>>,
}

impl Rates {
    /// Nobody yet.
    pub fn new(settings: RateSettings) -> Self {
        describe_counter!(REFUSED, "Requests refused for their number, by whose limit");
        Self {
            settings,
            people: room("people", PERSON_FORGOTTEN_AFTER),
            tenants: room("tenants", PERSON_FORGOTTEN_AFTER),
            addresses: room("addresses", ADDRESS_FORGOTTEN_AFTER),
        }
    }

    /// The person of a viewer: the same one for all their tokens.
    pub fn person(&self, viewer: &Viewer) -> Arc<Person> {
        // Asked for each time: a tenant that is kept by its persons alone would be counted anew.
        let tenant = self.tenant(&viewer.tenant);
        let key = (
            viewer.tenant.clone(),
            Arc::clone(&viewer.preset),
            viewer.user.clone(),
        );
        self.people.get_with(key, || {
            Arc::new(Person {
                operations: Allowance::new(Whose::Person, self.settings.person_operations),
                tenant,
                sockets: AtomicUsize::new(0),
                max_sockets: self.settings.sockets,
            })
        })
    }

    fn tenant(&self, tenant: &TenantId) -> Arc<Tenant> {
        self.tenants.get_with(tenant.clone(), || {
            Arc::new(Tenant {
                operations: Allowance::new(Whose::Tenant, self.settings.tenant_operations),
                sign_ins: Allowance::new(Whose::SignIns, self.settings.tenant_sign_ins),
            })
        })
    }

    /// What is counted of an address.
    pub fn address(&self, origin: Origin) -> Arc<Address> {
        self.addresses.get_with(origin, || {
            Arc::new(Address {
                requests: Allowance::new(Whose::Address, self.settings.address_requests),
                failures: Allowance::new(Whose::Failures, self.settings.address_failures),
            })
        })
    }

    /// Counts a session that a tenant's person was given.
    ///
    /// # Errors
    /// `RATE_LIMITED` when the tenant had too many.
    pub fn signed_in(&self, tenant: &TenantId) -> Result<(), ServiceError> {
        self.tenant(tenant).sign_ins.note()
    }

    /// Whether a tenant that a request names without proof may be given more sessions. Only those
    /// who signed in count, so that a stranger can use nothing up by naming it.
    ///
    /// # Errors
    /// `RATE_LIMITED` while the tenant had too many.
    pub fn may_sign_in(&self, tenant: &TenantId) -> Result<(), ServiceError> {
        match self.tenants.get(tenant) {
            Some(tenant) => tenant.sign_ins.is_open(),
            None => Ok(()),
        }
    }
}

fn room<K, V>(name: &str, forgotten_after: Duration) -> Cache<K, Arc<V>>
where
    K: std::hash::Hash + Eq + Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    Cache::builder()
        .name(name)
        .max_capacity(ROOM)
        .eviction_policy(EvictionPolicy::lru())
        .time_to_idle(forgotten_after)
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn few() -> RateSettings {
        RateSettings {
            address_requests: NonZeroU32::new(2).expect("not zero"),
            address_failures: NonZeroU32::new(2).expect("not zero"),
            tenant_sign_ins: NonZeroU32::MIN,
            ..RateSettings::default()
        }
    }

    #[test]
    fn failures_close_the_door_and_what_was_right_does_not() {
        let rates = Rates::new(few());
        let address = rates.address(Origin::from(IpAddr::from([192, 0, 2, 1])));
        for _ in 0..3 {
            assert!(address.may_show_a_token().is_ok());
            address.failed();
        }
        let refused = address.may_show_a_token().expect_err("closed");
        let ServiceError::RateLimited { retry_after } = refused else {
            panic!("{refused}");
        };
        assert!(retry_after > Duration::from_secs(20), "{retry_after:?}");
        let other = rates.address(Origin::from(IpAddr::from([192, 0, 2, 2])));
        assert!(other.ask().is_ok() && other.ask().is_ok() && other.ask().is_err());
        assert!(other.may_show_a_token().is_ok());
    }

    #[test]
    fn naming_a_tenant_uses_nothing_up() {
        let rates = Rates::new(few());
        let acme = TenantId::from("acme");
        for _ in 0..9 {
            assert!(rates.may_sign_in(&acme).is_ok());
        }
        assert!(rates.signed_in(&acme).is_ok());
        assert!(rates.signed_in(&acme).is_err());
        assert!(rates.may_sign_in(&acme).is_err());
        assert!(rates.may_sign_in(&TenantId::from("globex")).is_ok());
    }

    #[test]
    fn a_network_of_ipv6_is_one_client() {
        let origin = |text: &str| Origin::from(text.parse::<IpAddr>().expect("an address"));
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff::9"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
    }
}
