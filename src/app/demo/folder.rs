//! The demo's folder: its key, its secrets, its settings.

use std::fs;
use std::path::Path;

use anyhow::bail;
use uuid::Uuid;

use super::DemoArgs;
use crate::app::DEMO_FILE;

/// The secrets that this demo made for itself.
pub(super) struct Secrets {
    pub(super) crm_secret: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
}

/// Makes the demo's folder anew.
pub(super) fn fresh_folder(folder: &Path, args: &DemoArgs) -> anyhow::Result<Secrets> {
    if folder.exists() {
        // Only what an earlier demo left is taken away.
        if !Path::new(DEMO_FILE).exists() && fs::read_dir(folder)?.next().is_some() {
            bail!(
                "{} holds something else; the demo needs it empty",
                folder.display()
            );
        }
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    let random = || format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
    let secrets = Secrets {
        crm_secret: random(),
        client_id: "sandbox".to_owned(),
        client_secret: random(),
    };
    write_private(&folder.join("pulse.key"), &random())?;
    write_private(&folder.join("sandbox.secret"), &secrets.client_secret)?;
    fs::write(DEMO_FILE, settings(folder, args))?;
    Ok(secrets)
}

/// The settings: three ledgers at one sandbox. A demo polls every second, which the quotas of real apps
/// would not stand.
fn settings(folder: &Path, args: &DemoArgs) -> String {
    let (api, sandbox) = (args.api_port, args.sandbox_port);
    format!(
        r#"# Made by `financial-pulse demo`, anew at each start.
[server]
listen = "127.0.0.1:{api}"
public_url = "http://localhost:{api}"

[database]
url = "sqlite:{folder}/pulse.sqlite"

[encryption]
key_file = "pulse.key"

[quickbooks]
client_id = "sandbox"
client_secret_file = "sandbox.secret"
api_url = "http://127.0.0.1:{sandbox}"
authorize_url = "http://127.0.0.1:{sandbox}/connect/oauth2"
token_url = "http://127.0.0.1:{sandbox}/oauth2/v1/tokens/bearer"
revoke_url = "http://127.0.0.1:{sandbox}/v2/oauth2/tokens/revoke"
monthly_reads = 1000000000

[xero]
client_id = "sandbox"
client_secret_file = "sandbox.secret"
api_url = "http://127.0.0.1:{sandbox}/xero/api.xro/2.0"
connections_url = "http://127.0.0.1:{sandbox}/xero/connections"
authorize_url = "http://127.0.0.1:{sandbox}/xero/identity/connect/authorize"
token_url = "http://127.0.0.1:{sandbox}/xero/connect/token"
revoke_url = "http://127.0.0.1:{sandbox}/xero/connect/revocation"
daily_calls = 1000000000
requests_per_minute = 100000

[sage]
client_id = "sandbox"
client_secret_file = "sandbox.secret"
api_url = "http://127.0.0.1:{sandbox}/sage/v3.1"
authorize_url = "http://127.0.0.1:{sandbox}/sage/oauth2/auth/central"
token_url = "http://127.0.0.1:{sandbox}/sage/token"
revoke_url = "http://127.0.0.1:{sandbox}/sage/revoke"
daily_calls = 1000000000
requests_per_minute = 100000

[graphql]
introspection = "on"
"#,
        folder = folder.display(),
    )
}

fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    Ok(file.write_all(text.as_bytes())?)
}
