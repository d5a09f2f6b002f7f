//! Registering a CRM by the command line: what an integrator reads when something is wrong.

use std::fs;

use pretty_assertions::assert_eq;
use tempfile::TempDir;

use crate::support::databases::{TestStore, for_each_database, test_stores};

const RSA: &str = include_str!("rsa.pem");

/// Files with keys to register.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().expect("a folder"));
        for (name, text) in [
            ("secret", "s".repeat(40)),
            ("short", "short".to_owned()),
            ("rsa.pem", RSA.to_owned()),
            (
                "private.pem",
                "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n".to_owned(),
            ),
        ] {
            fs::write(files.0.path().join(name), text).expect("written");
        }
        files
    }

    /// Runs a command in which `@name` stands for the file.
    async fn run(&self, database: &TestStore, command: &str, code: i32) -> String {
        let folder = format!("{}/", self.0.path().display());
        let ran = database.run(&command.replace('@', &folder)).await;
        assert_eq!(ran.code, Some(code), "{command}: {ran:?}");
        ran.stdout + &ran.stderr
    }
}

/// The commands say the same on either database.
async fn sqlite() -> TestStore {
    let mut stores = test_stores().await.into_iter();
    stores.find(TestStore::is_sqlite).expect("a store")
}

/// An id is one CRM's, so a role is given in a scheme: the tenant's own where it has only one.
#[tokio::test]
async fn a_role_is_given_in_a_scheme() {
    let database = sqlite().await;
    let files = Files::new();
    let role = async |preset: &str, user: &str| {
        let (tenant, user) = ("acme".into(), user.into());
        let role = database.store.role_of(&tenant, preset, &user).await;
        role.expect("read")
    };
    files.run(&database, "tenant add acme", 0).await;
    let set = "tenant role acme --user 7 --role finance";
    let said = files.run(&database, set, 1).await;
    assert!(said.contains("no key and no account yet: --crm"), "{said}");

    let native = "tenant add acme --crm native --secret-file @secret";
    files.run(&database, native, 0).await;
    let said = files.run(&database, set, 0).await;
    assert!(said.contains("native 7 of acme is finance."), "{said}");
    assert_eq!(role("native", "7").await.as_deref(), Some("finance"));
    assert_eq!(role("followupboss", "7").await, None);

    let other = "tenant add acme --crm followupboss --account 77001";
    files.run(&database, other, 0).await;
    let said = files.run(&database, set, 1).await;
    assert!(said.contains("which of followupboss, native"), "{said}");
    let named = "tenant role acme --user 7 --role account_manager --crm followupboss";
    files.run(&database, named, 0).await;
    let unknown = "tenant role acme --user 7 --role admin --crm nobody";
    files.run(&database, unknown, 2).await;
    assert_eq!(role("native", "7").await.as_deref(), Some("finance"));
    let manager = role("followupboss", "7").await;
    assert_eq!(manager.as_deref(), Some("account_manager"));
}

#[tokio::test]
async fn a_mistake_is_answered_with_what_to_write() {
    let database = sqlite().await;
    let files = Files::new();
    for (command, advice) in [
        (
            "tenant add acme --secret-file @secret",
            "--secret-file needs --crm",
        ),
        ("tenant add acme --audience x", "--audience needs --crm"),
        ("tenant add acme --account 5", "--account needs --crm"),
        (
            "tenant add acme --crm native",
            "native needs a key: --secret-file, --public-key-file",
        ),
        (
            "tenant add acme --crm zendesk --audience x",
            "zendesk needs a key: a public key: --public-key-file",
        ),
        (
            "tenant add acme --crm zendesk --public-key-file @rsa.pem",
            "zendesk needs --audience",
        ),
        (
            "tenant add acme --crm zendesk --audience x --secret-file @secret",
            "zendesk signs with RS256, which needs a public key",
        ),
        (
            "tenant add acme --crm native --public-key-file @rsa.pem",
            "say --algorithm RS256, ES256 or EdDSA",
        ),
        (
            "tenant add acme --crm native --algorithm ES256 --public-key-file @rsa.pem",
            "cannot be read as one for ES256",
        ),
        (
            "tenant add acme --crm native --algorithm RS256 --public-key-file @private.pem",
            "private.pem -pubout",
        ),
        (
            "tenant add acme --crm native --secret-file @short",
            "at least 32 bytes",
        ),
        (
            "tenant add acme --crm native --secret-file @rsa.pem",
            "cannot serve as a secret",
        ),
        (
            "tenant add acme --crm native --secret-file @none",
            "none cannot be read",
        ),
        (
            "tenant add acme --crm native --account 5 --secret-file @secret",
            "native takes no --account",
        ),
        ("tenant add acme --crm monday", "monday needs --account"),
        (
            "tenant add acme --crm monday --account 5 --secret-file @secret",
            "`crm key add monday`",
        ),
        (
            "tenant add acme --crm dynamics --account 5 --issuer x",
            "dynamics takes no --issuer here",
        ),
        (
            "crm key add native --secret-file @secret",
            "tenant add TENANT --crm native",
        ),
        (
            "crm key add monday",
            "monday needs a key: a secret: --secret-file",
        ),
        (
            "crm key add monday --public-key-file @rsa.pem",
            "monday signs with HS256, which needs a secret",
        ),
        (
            "crm key add monday --algorithm RS256 --secret-file @secret",
            "--algorithm RS256: monday signs with HS256",
        ),
        ("crm key add dynamics", "dynamics needs --audience"),
        (
            "crm key add dynamics --audience x --jwks-url http://evil.example/keys",
            "must be https",
        ),
        (
            "crm key add atlassian-forge --audience x --claim contakt=a",
            "such as user=sub",
        ),
        ("tenant install nobody", "there is no tenant `nobody`"),
    ] {
        let said = files.run(&database, command, 1).await;
        assert!(said.contains(advice), "{command}\n  said: {said}");
    }
    assert_eq!(database.store.tenants().await.expect("read"), []);
}

#[tokio::test]
async fn an_integrator_is_told_what_to_enter_and_what_is_missing() {
    let database = sqlite().await;
    let files = Files::new();
    let said = files
        .run(&database, "tenant add acme --crm monday --account 5", 0)
        .await;
    for words in [
        "The page's address: http://127.0.0.1/embed/monday",
        "Its code calls: http://127.0.0.1/exchange/monday",
        "Nobody may frame the page yet",
        "The app has no key yet: `crm key add monday`",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let key = "crm key add monday --secret-file @secret";
    files.run(&database, key, 0).await;
    let framed =
        "tenant add acme --crm monday --account 5 --frame-ancestor https://acme.monday.com";
    let said = files.run(&database, framed, 0).await;
    assert!(!said.contains("yet"), "{said}");

    let front = "tenant add acme --crm front --secret-file @secret";
    let said = files.run(&database, front, 0).await;
    assert!(said.contains("front is refused until the setting crm.weak_presets names it"));
    assert!(said.contains("http://127.0.0.1/embed/acme/front"), "{said}");

    let said = files.run(&database, "crm key list", 0).await;
    assert!(said.contains("monday  HS256"), "{said}");
    let said = files.run(&database, "tenant list", 0).await;
    assert!(said.contains("monday 5"), "{said}");
    let said = files.run(&database, "crm list", 0).await;
    assert!(said.contains("/embed/{tenant}/zendesk"), "{said}");
    let said = files.run(&database, "tenant install acme", 0).await;
    let address = "http://127.0.0.1/install/acme/atlassian-connect/";
    assert!(
        said.starts_with(address) && said.ends_with("/descriptor.json\n"),
        "{said}"
    );
}

#[tokio::test]
async fn an_account_goes_to_another_tenant_only_where_that_is_said() {
    for_each_database(async |database| {
        let files = Files::new();
        let first = "tenant add acme --crm hubspot --account 77";
        files.run(database, first, 0).await;
        let second = "tenant add globex --crm hubspot --account 77";
        let said = files.run(database, second, 1).await;
        assert!(
            said.contains("is tenant acme's; --move-account gives it to globex"),
            "{said}"
        );
        assert_eq!(database.store.tenants().await.expect("read").len(), 1);
        files.run(database, first, 0).await;
        let moved = format!("{second} --move-account");
        files.run(database, &moved, 0).await;
        let owner = database.store.tenant_of_account("hubspot", "77").await;
        assert_eq!(owner.expect("read").expect("owned").as_str(), "globex");
    })
    .await;
}
