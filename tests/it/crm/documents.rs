//! What is written of the CRMs agrees with their records, and the snippets with the files that run.

use std::fs;
use std::path::Path;

use financial_pulse::auth::Preset;
use financial_pulse::auth::preset::{Exchange, KeyScope, Scheme, UrlHash, records};
use financial_pulse::domain::signing_key::Claim;
use pretty_assertions::assert_eq;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A record as the overview's row.
fn row(preset: &Preset) -> String {
    let algorithms = preset.algorithms.iter().map(|one| one.as_str());
    let algorithms = algorithms.collect::<Vec<_>>().join(", ");
    let signed = match preset.scheme {
        Scheme::Jwt => format!("token, {algorithms}"),
        Scheme::SignedRequest => "signed request, HMAC-SHA256".to_owned(),
        Scheme::RequestSignature => "the whole call, HMAC-SHA256".to_owned(),
        Scheme::SignedContext => "context, HMAC-SHA256".to_owned(),
        Scheme::SharedSecret => "nothing: a secret".to_owned(),
    };
    let key = match preset.key_scope {
        KeyScope::Installation => "tenant",
        KeyScope::App => "app",
    };
    let has_contact = !preset.paths(Claim::Contact).is_empty();
    let contact = match (preset.vouches, has_contact) {
        _ if preset.url_hash == UrlHash::Required => "signed",
        (true, true) => "signed",
        (false, true) => "chosen in the browser",
        (_, false) => "requested",
    };
    let accepted = match preset.scheme {
        Scheme::SignedContext | Scheme::SharedSecret => "ever".to_owned(),
        _ => format!("{} min", preset.longest.as_mins()),
    };
    let listed = |items: &[&str]| match items.join(", ") {
        text if text.is_empty() => "–".to_owned(),
        text => text,
    };
    let hosts: Vec<_> = preset
        .frame_ancestors
        .iter()
        .map(|host| format!("`{host}`"))
        .collect();
    let hosts: Vec<_> = hosts.iter().map(String::as_str).collect();
    format!(
        "| [{name}](#{name}) | {} | {signed} | {key} | {contact} | {accepted} | `{}` | {} | {} |",
        preset.title,
        preset.renewal.as_str(),
        listed(&hosts),
        match preset.unverified.join("; ") {
            text if text.is_empty() => "–".to_owned(),
            text => text,
        },
        name = preset.name,
    )
}

#[test]
fn the_overview_has_the_records_row_by_row() {
    let text = read("docs/crm.md");
    let written: Vec<_> = text
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .collect();
    let expected = records::ALL.map(row);
    assert_eq!(written.join("\n"), expected.join("\n"));
}

#[test]
fn every_scheme_has_a_section_that_leads_through_it() {
    let text = read("docs/crm.md");
    for preset in records::ALL {
        let name = preset.name;
        let (_, section) = text
            .split_once(&format!("\n## {name}\n"))
            .unwrap_or_else(|| panic!("docs/crm.md has no section for {name}"));
        let section = section.split("\n## ").next().unwrap_or_default();
        let place = match preset.key_scope {
            KeyScope::Installation => format!("acme/{name}"),
            KeyScope::App => name.to_owned(),
        };
        let mut wanted = vec![
            "- **Record**:".to_owned(),
            "- **Proves**:".to_owned(),
            format!("financial-pulse tenant add acme --crm {name}"),
        ];
        if preset.doors.embed {
            wanted.push(format!("/embed/{place}"));
        } else if preset.doors.exchange != Exchange::Closed {
            wanted.push(format!("/exchange/{place}"));
        }
        if preset.key_scope == KeyScope::App && name != "pipedrive" {
            wanted.push(format!("financial-pulse crm key add {name}"));
        }
        if preset.weak.is_some() {
            wanted.push(format!("weak_presets = [\"{name}\"]"));
        }
        for words in wanted {
            assert!(section.contains(&words), "{name}: `{words}` is missing");
        }
    }
}

#[test]
fn the_snippets_are_the_files_that_are_tested() {
    let text = read("docs/native-tokens.md");
    for (language, file) in [("php", "php"), ("python", "py"), ("ts", "ts")] {
        let code = read(&format!("tests/crm/snippets/pulse_token.{file}"));
        let block = format!("```{language}\n{code}```\n");
        assert!(
            text.contains(&block),
            "{file}: the snippet differs from its file"
        );
    }
}
