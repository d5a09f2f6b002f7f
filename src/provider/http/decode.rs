//! Decoding answers: a fault is reported by its path and kind, never by its value, since values are
//! names and amounts.

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::provider::{ProviderError, ProviderResult};

/// Reads a JSON body; `unread` is told the name of every field that the type has no place for.
///
/// # Errors
/// [`ProviderError::Malformed`] with the path of the fault.
pub(crate) fn decode<T: DeserializeOwned>(
    body: &[u8],
    mut unread: impl FnMut(&str),
) -> ProviderResult<T> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = serde_ignored::deserialize(&mut json, |path| {
        if let serde_ignored::Path::Map { key, .. } = path {
            unread(&key);
        }
    });
    match value {
        Ok(value) if json.end().is_ok() => Ok(value),
        Ok(_) => Err(ProviderError::Malformed {
            path: ".".to_owned(),
            reason: "text follows the JSON value".to_owned(),
        }),
        // Tracking the path costs, so it is done only once it is known that there is a fault.
        Err(_) => Err(locate::<T>(body)),
    }
}

fn locate<T: DeserializeOwned>(body: &[u8]) -> ProviderError {
    let mut json = serde_json::Deserializer::from_slice(body);
    match serde_path_to_error::deserialize::<_, T>(&mut json) {
        Err(error) => ProviderError::Malformed {
            path: error.path().to_string(),
            reason: match error.inner().classify() {
                Category::Data => "the value does not fit there",
                Category::Eof => "the JSON text ends early",
                Category::Syntax | Category::Io => "this is not JSON",
            }
            .to_owned(),
        },
        Ok(_) => ProviderError::Malformed {
            path: ".".to_owned(),
            reason: "the answer cannot be read".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Outer {
        #[expect(dead_code, reason = "only its type matters")]
        inner: Vec<Inner>,
    }

    #[derive(Debug, Deserialize)]
    struct Inner {
        #[expect(dead_code, reason = "only its type matters")]
        amount: u32,
    }

    fn fault(body: &str) -> (String, String) {
        match decode::<Outer>(body.as_bytes(), |_| ()) {
            Err(ProviderError::Malformed { path, reason }) => (path, reason),
            other => panic!("expected a fault, got {other:?}"),
        }
    }

    #[test]
    fn names_the_place_and_kind_of_a_fault_but_not_the_value() {
        let (path, reason) = fault(r#"{"inner":[{"amount":1},{"amount":"Jane Doe"}]}"#);
        assert_eq!(path, "inner[1].amount");
        assert!(!reason.contains("Jane"), "{reason}");
        assert_eq!(fault(r#"{"inner":[{"amo"#).1, "the JSON text ends early");
        assert_eq!(fault("<html>").1, "this is not JSON");
        assert_eq!(fault("").1, "the JSON text ends early");
        assert_eq!(fault(r#"{"inner":[]} x"#).1, "text follows the JSON value");
    }

    #[test]
    fn tells_of_fields_without_a_place() {
        let mut unread = Vec::new();
        let body = br#"{"inner":[{"amount":1,"new":{"deep":1}}],"other":2}"#;
        decode::<Outer>(body, |name| unread.push(name.to_owned())).expect("it decodes");
        assert_eq!(unread, ["new", "other"]);
    }
}
