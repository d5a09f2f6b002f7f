//! The organizations that a consent reaches (`GET /connections`).

use serde::Deserialize;

use crate::provider::http::decode;
use crate::provider::{OrganizationChoice, ProviderResult};

/// One connected organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection {
    /// The connection's own id, by which it is given up.
    pub(super) id: String,
    /// What the header `xero-tenant-id` names; equal to the organization's id.
    pub(super) tenant_id: String,
    /// `ORGANISATION`, or `PRACTICE`, which keeps no books.
    tenant_type: Option<String>,
    /// The organization's name; missing in older answers.
    tenant_name: Option<String>,
}

/// Reads the answer; what is no organization is left out.
pub(super) fn read(body: &[u8]) -> ProviderResult<Vec<Connection>> {
    let mut connections: Vec<Connection> = decode(body, |_| ())?;
    connections.retain(Connection::keeps_books);
    Ok(connections)
}

impl Connection {
    fn keeps_books(&self) -> bool {
        let kind = self.tenant_type.as_deref();
        kind.is_none_or(|kind| kind.eq_ignore_ascii_case("ORGANISATION"))
    }

    /// As a person chooses from.
    pub(super) fn choice(&self) -> OrganizationChoice {
        OrganizationChoice {
            account: self.tenant_id.as_str().into(),
            name: self.tenant_name.as_deref().map(Into::into),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_practice_is_no_organization_and_a_name_may_be_missing() {
        let body = br#"[
            {"id":"1","tenantId":"a","tenantType":"ORGANISATION","tenantName":"Demo Company"},
            {"id":"2","tenantId":"b","tenantType":"PRACTICE","tenantName":"Our accountants"},
            {"id":"3","tenantId":"c","tenantType":"ORGANISATION","createdDateUtc":"2026-04-20T11:47:10.3365440"}
        ]"#;
        let choices: Vec<_> = read(body)
            .expect("it decodes")
            .iter()
            .map(Connection::choice)
            .collect();
        let expected =
            [("a", Some("Demo Company")), ("c", None)].map(|(account, name)| OrganizationChoice {
                account: account.into(),
                name: name.map(Into::into),
            });
        assert_eq!(choices, expected);
    }
}
