use super::*;
use crate::sandbox::quickbooks::query::field::{instant, like};

#[test]
fn a_pattern_matches_anywhere_only_where_it_says_so() {
    for (text, pattern, fits) in [
        ("Amy's Bird Sanctuary", "%bird%", true),
        ("Amy's Bird Sanctuary", "amy%", true),
        ("Amy's Bird Sanctuary", "%tuary", true),
        ("Amy's Bird Sanctuary", "bird", false),
        ("Amy's Bird Sanctuary", "A%B%y", true),
        ("Amy's Bird Sanctuary", "%x%", false),
        ("aa", "a%a%a", false),
        ("", "%", true),
    ] {
        assert_eq!(like(text, pattern), fits, "{text} LIKE {pattern}");
    }
}

#[test]
fn an_instant_may_lack_its_offset_or_its_time() {
    assert_eq!(
        instant("2026-05-05T03:00:00-07:00"),
        instant("2026-05-05T10:00:00Z")
    );
    assert_eq!(
        instant("2026-05-05T03:00:00"),
        instant("2026-05-05T10:00:00Z")
    );
    assert_eq!(instant("2026-05-05"), instant("2026-05-05T07:00:00Z"));
    // A plus sign that nobody encoded.
    assert_eq!(instant("2026-05-05T12:00:00 02:00"), None);
    assert_eq!(instant("yesterday"), None);
}

#[test]
fn what_is_no_statement_is_refused_by_its_code() {
    for (text, code) in [
        ("", "4000"),
        ("SELECT Id FROM Customer", "4000"),
        ("SELECT * FROM Customer WHERE", "4000"),
        ("SELECT * FROM Customer WHERE Id = 1", "4000"),
        ("SELECT * FROM Customer WHERE Id = '1' OR Id = '2'", "4000"),
        ("SELECT * FROM Customer MAXRESULTS ten", "4000"),
        ("SELECT * FROM Customer WHERE DisplayName = 'open", "4000"),
        ("SELECT * FROM Customer; DROP", "4000"),
        ("SELECT * FROM Custmoer", "4001"),
        ("SELECT * FROM customer", "4001"),
        ("SELECT * FROM Customer STARTPOSITION 0", "4001"),
        ("SELECT * FROM Customer MAXRESULTS 1001", "4001"),
        ("SELECT * FROM Customer WHERE Nonsense = '1'", "4001"),
        ("SELECT * FROM Customer WHERE Id > '1'", "4001"),
        ("SELECT * FROM Invoice WHERE TxnDate > 'soon'", "4001"),
        (
            "SELECT * FROM Invoice WHERE MetaData.LastUpdatedTime > '2026-05-05T12:00:00 02:00'",
            "4001",
        ),
        (
            "SELECT * FROM Customer WHERE PrimaryEmailAddr.Address = 'a@b.c'",
            "4001",
        ),
    ] {
        let books = Books::new(crate::sandbox::books::Currency::USD, false);
        let singletons = Singletons {
            company_info: Value::Null,
            preferences: Value::Null,
        };
        let answer = answer(&books, &mut Found::default(), &singletons, text);
        let fault = answer.expect_err(text);
        assert_eq!(fault.code(), code, "{text}");
    }
}
