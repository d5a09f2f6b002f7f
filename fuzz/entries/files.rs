//! Files that operators hand in: limits and links as CSV. What reads can be written as an export
//! writes it, and reads again to the same.

use financial_pulse::service::import::ImportProblem;
use financial_pulse::service::limits::{LimitRequest, read_limits};
use financial_pulse::service::linking::read_links;

use super::{Entry, fate, input};

pub(super) const IMPORTS: Entry = Entry {
    name: "imports",
    longest: 2048,
    sample: 10_000,
    run,
    seeds,
    words: &[
        "customer",
        "limit",
        "currency",
        "valid_from",
        "valid_to",
        "reason",
        "contact",
        ",",
        "\n",
        "\r\n",
        "\"",
        "\"\"",
        "\u{feff}",
        "acme:7",
        "5000.00",
        "USD",
        "2026-11-30",
        "native:person:42",
        "\u{a0}",
        "\t",
        "1e5",
        "79228162514264337593543950335",
        "-1",
        "JPY",
    ],
};

fn run(input: &[u8]) -> u64 {
    let Some((mode, rest)) = input.split_first() else {
        return 0;
    };
    if mode % 2 == 0 {
        fate(limits(rest))
    } else {
        fate(links(rest))
    }
}

/// Every mistake is in the file.
fn problems(csv: &[u8], problems: &[ImportProblem]) -> String {
    assert!(!problems.is_empty());
    let lines = csv.iter().filter(|byte| b"\r\n".contains(byte)).count();
    for problem in problems {
        assert!(problem.line <= lines as u64 + 1, "{problem}");
        assert!(problem.what.len() <= 2 * csv.len() + 400, "{problem}");
    }
    let mut words: Vec<String> = problems
        .iter()
        .take(8)
        .map(|problem| {
            problem
                .what
                .chars()
                .filter(|c| *c == ' ' || *c == '`')
                .take(12)
                .collect()
        })
        .collect();
    words.sort();
    words.dedup();
    format!("{words:?}")
}

fn limits(csv: &[u8]) -> String {
    let read = match read_limits(csv) {
        Err(found) => return problems(csv, &found),
        Ok(read) => read,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns = [
        "customer",
        "limit",
        "currency",
        "valid_from",
        "valid_to",
        "reason",
    ];
    writer.write_record(columns).expect("memory");
    for (_, row) in &read {
        let LimitRequest {
            customer,
            limit,
            valid_from,
            valid_to,
            reason,
        } = row;
        let limit = limit.expect("a file sets limits");
        let day =
            |day: &Option<jiff::civil::Date>| day.map_or_else(String::new, |day| day.to_string());
        writer
            .write_record([
                customer
                    .as_ref()
                    .map_or_else(String::new, ToString::to_string),
                limit.amount.to_string(),
                limit.currency.to_string(),
                day(valid_from),
                day(valid_to),
                reason.clone(),
            ])
            .expect("memory");
    }
    let again = read_limits(&writer.into_inner().expect("memory")).expect("our own");
    let requests =
        |rows: Vec<(u64, LimitRequest)>| rows.into_iter().map(|(_, row)| row).collect::<Vec<_>>();
    let (read, again) = (requests(read), requests(again));
    assert_eq!(read, again);
    format!(
        "{} {}",
        read.len().min(4),
        read.iter().any(|row| row.customer.is_none())
    )
}

fn links(csv: &[u8]) -> String {
    let read = match read_links(csv) {
        Err(found) => return problems(csv, &found),
        Ok(read) => read,
    };
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer
        .write_record(["contact", "customer", "reason"])
        .expect("memory");
    for (_, row) in &read {
        let reason = row.reason.clone().unwrap_or_default();
        writer
            .write_record([row.contact.to_string(), row.customer.to_string(), reason])
            .expect("memory");
    }
    let again = read_links(&writer.into_inner().expect("memory")).expect("our own");
    assert_eq!(read.len(), again.len());
    for ((_, one), (_, other)) in read.iter().zip(&again) {
        assert_eq!(
            (&one.contact, &one.customer),
            (&other.contact, &other.customer)
        );
        let reason = |text: &Option<String>| text.clone().unwrap_or_default();
        assert_eq!(reason(&one.reason), reason(&other.reason));
    }
    format!(
        "{} {}",
        read.len().min(4),
        read.iter().any(|(_, row)| row.reason.is_some())
    )
}

fn seeds() -> Vec<Vec<u8>> {
    let limits = [
        "customer,limit,currency,valid_from,valid_to,reason\nacme:7,5000.00,USD,2026-11-30,,agreed\n,0,JPY,,,\"cash, only\"\n",
        "limit,currency,reason\n5000,USD,x\n",
        "\u{feff}reason,currency,limit\r\n\"a \"\"b\"\"\",KWD,1.234\r\n",
        "limit,currency,reason,extra\n1,USD,x,y\n",
    ];
    let links = [
        "contact,customer,reason\nnative:person:42,acme:7,agreed\n",
        "customer,contact\nacme:7,native:company:1\nacme:8,pipedrive:deal:2\n",
        "contact,customer\n42,acme\n",
    ];
    let limits = limits.iter().map(|text| input(0, &[text.as_bytes()]));
    let links = links.iter().map(|text| input(1, &[text.as_bytes()]));
    limits.chain(links).collect()
}
