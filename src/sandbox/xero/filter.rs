//! `where=`: conditions on a record as it is shown.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde_json::Value;

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// What a property is compared with.
#[derive(Clone, Debug, PartialEq)]
enum Literal {
    Text(String),
    Number(Decimal),
    /// Milliseconds since 1970.
    Time(i64),
    Flag(bool),
    Nothing,
}

#[derive(Clone, Debug)]
struct Condition {
    path: Vec<String>,
    operator: Operator,
    literal: Literal,
}

/// Conditions, all of which must hold in one of the alternatives.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    alternatives: Vec<Vec<Condition>>,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 14] = [
    "==", "!=", "<=", ">=", "&&", "||", "=", "<", ">", "(", ")", ",", ".", "-",
];

fn tokens(text: &str) -> Result<Vec<Token>, &'static str> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            let end = rest[1..].find('"').ok_or("Unterminated string literal")?;
            tokens.push(Token::Text(rest[1..=end].to_owned()));
            rest = &rest[end + 2..];
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest
                .find(|c: char| !(c.is_alphanumeric() || c == '_'))
                .unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            return Err("Syntax error");
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn take_sign(&mut self, sign: &str) -> bool {
        self.tokens
            .next_if(|token| matches!(token, Token::Sign(found) if *found == sign))
            .is_some()
    }

    fn expect(&mut self, sign: &str) -> Result<(), &'static str> {
        self.take_sign(sign).then_some(()).ok_or("Syntax error")
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.tokens
            .next_if(
                |token| matches!(token, Token::Word(found) if found.eq_ignore_ascii_case(word)),
            )
            .is_some()
    }

    fn word(&mut self) -> Result<String, &'static str> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            _ => Err("Syntax error"),
        }
    }

    fn alternatives(&mut self) -> Result<Vec<Vec<Condition>>, &'static str> {
        let mut alternatives = vec![self.all()?];
        while self.take_sign("||") || self.take_word("OR") {
            alternatives.push(self.all()?);
        }
        Ok(alternatives)
    }

    fn all(&mut self) -> Result<Vec<Condition>, &'static str> {
        let mut all = self.one()?;
        while self.take_sign("&&") || self.take_word("AND") {
            all.extend(self.one()?);
        }
        Ok(all)
    }

    fn one(&mut self) -> Result<Vec<Condition>, &'static str> {
        if self.take_sign("(") {
            let inner = self.all()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let mut path = vec![self.word()?];
        while self.take_sign(".") {
            path.push(self.word()?);
        }
        let operator = match self.tokens.next() {
            Some(Token::Sign("==" | "=")) => Operator::Equal,
            Some(Token::Sign("!=")) => Operator::Unequal,
            Some(Token::Sign("<")) => Operator::Less,
            Some(Token::Sign("<=")) => Operator::AtMost,
            Some(Token::Sign(">")) => Operator::More,
            Some(Token::Sign(">=")) => Operator::AtLeast,
            _ => return Err("Syntax error"),
        };
        let literal = self.literal()?;
        Ok(vec![Condition {
            path,
            operator,
            literal,
        }])
    }

    fn literal(&mut self) -> Result<Literal, &'static str> {
        let negative = self.take_sign("-");
        match self.tokens.next() {
            Some(Token::Text(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) => match word.to_ascii_lowercase().as_str() {
                "true" => Ok(Literal::Flag(true)),
                "false" => Ok(Literal::Flag(false)),
                "null" => Ok(Literal::Nothing),
                "guid" => {
                    self.expect("(")?;
                    let Some(Token::Text(text)) = self.tokens.next() else {
                        return Err("Syntax error");
                    };
                    self.expect(")")?;
                    Ok(Literal::Text(text.to_lowercase()))
                }
                "datetime" => self.time(),
                _ => {
                    let mut digits = word;
                    if self.take_sign(".") {
                        digits = format!("{digits}.{}", self.word()?);
                    }
                    let number: Decimal = digits.parse().map_err(|_| "Syntax error")?;
                    Ok(Literal::Number(if negative { -number } else { number }))
                }
            },
            _ => Err("Syntax error"),
        }
    }

    /// `(2026, 01, 31)`, and perhaps hours, minutes and seconds.
    fn time(&mut self) -> Result<Literal, &'static str> {
        self.expect("(")?;
        let mut parts: Vec<i16> = Vec::new();
        loop {
            parts.push(self.word()?.parse().map_err(|_| "Syntax error")?);
            if !self.take_sign(",") {
                break;
            }
        }
        self.expect(")")?;
        let part = |at: usize| i8::try_from(parts.get(at).copied().unwrap_or(0)).unwrap_or(-1);
        Date::new(parts[0], part(1), part(2))
            .ok()
            .and_then(|date| {
                date.at(0, 0, 0, 0)
                    .with()
                    .hour(part(3))
                    .minute(part(4))
                    .second(part(5))
                    .build()
                    .ok()
            })
            .and_then(|time| time.to_zoned(TimeZone::UTC).ok())
            .map(|time| Literal::Time(time.timestamp().as_millisecond()))
            .ok_or("The DateTime is none")
    }
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    ///
    /// In the words of a `QueryParseException`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let mut parser = Parser {
            tokens: tokens(text)?.into_iter().peekable(),
        };
        let alternatives = parser.alternatives()?;
        if parser.tokens.next().is_some() {
            return Err("Syntax error");
        }
        Ok(Self { alternatives })
    }

    /// Whether a record that is shown so passes. For what `quick` knows of it, it need not be shown.
    pub(super) fn passes(
        &self,
        quick: impl Fn(&[String]) -> Option<Value>,
        show: impl Fn() -> Value,
    ) -> bool {
        let mut shown = None;
        self.alternatives.iter().any(|all| {
            all.iter().all(|condition| {
                if let Some(value) = quick(&condition.path) {
                    return condition.holds(Some(&value));
                }
                let shown = shown.get_or_insert_with(&show);
                condition.holds(property(shown, &condition.path))
            })
        })
    }
}

/// A property, whatever the case of its letters.
fn property<'a>(shown: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(shown, |value, name| {
        value
            .as_object()?
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    })
}

/// The milliseconds of `/Date(1777032244663+0000)/`.
fn time(text: &str) -> Option<i64> {
    let digits = text.strip_prefix("/Date(")?;
    let end = digits[1..]
        .find(|c: char| !c.is_ascii_digit())
        .map_or(digits.len(), |end| end + 1);
    digits[..end].parse().ok()
}

impl Condition {
    fn holds(&self, value: Option<&Value>) -> bool {
        let order = match (value, &self.literal) {
            (None | Some(Value::Null), Literal::Nothing) => Some(std::cmp::Ordering::Equal),
            (Some(Value::String(text)), Literal::Text(wanted)) => {
                Some(text.to_lowercase().cmp(&wanted.to_lowercase()))
            }
            (Some(Value::String(text)), Literal::Time(wanted)) => {
                time(text).map(|time| time.cmp(wanted))
            }
            (Some(Value::Number(number)), Literal::Number(wanted)) => number
                .to_string()
                .parse::<Decimal>()
                .ok()
                .map(|number| number.cmp(wanted)),
            (Some(Value::Bool(flag)), Literal::Flag(wanted)) => Some(flag.cmp(wanted)),
            _ => None,
        };
        match self.operator {
            Operator::Equal => order.is_some_and(std::cmp::Ordering::is_eq),
            Operator::Unequal => order.is_none_or(std::cmp::Ordering::is_ne),
            Operator::Less => order.is_some_and(std::cmp::Ordering::is_lt),
            Operator::AtMost => order.is_some_and(std::cmp::Ordering::is_le),
            Operator::More => order.is_some_and(std::cmp::Ordering::is_gt),
            Operator::AtLeast => order.is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn passes(filter: &str) -> bool {
        let shown = json!({
            "Status": "PAID", "Total": 12.5, "Date": "/Date(1769817600000+0000)/",
            "Contact": {"ContactID": "ab-cd"}, "IsCustomer": true,
        });
        Filter::parse(filter)
            .unwrap_or_else(|error| panic!("{filter}: {error}"))
            .passes(
                |path| (path == ["Type"]).then(|| json!("ACCREC")),
                || shown.clone(),
            )
    }

    #[test]
    fn conditions_hold_or_do_not() {
        for yes in [
            "Status==\"PAID\"",
            "Type==\"ACCREC\" AND Status = \"paid\"",
            "Contact.ContactID==guid(\"AB-CD\")",
            "Date >= DateTime(2026, 01, 31) && Date < DateTime(2026,02,01)",
            "Total > 12.49 AND Total<=12.5",
            "Status==\"VOIDED\" OR IsCustomer==true",
            "DueDate == null",
        ] {
            assert!(passes(yes), "{yes}");
        }
        for no in [
            "Status!=\"PAID\"",
            "Type==\"ACCPAY\"",
            "Date > DateTime(2026, 01, 31)",
            "(Total == 12.5 AND Total < 0) || Total == -1",
        ] {
            assert!(!passes(no), "{no}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for wrong in [
            "Status==\"PAID",
            "Status",
            "Status==",
            "Date>DateTime(2026,13,1)",
            "a==1 b",
        ] {
            assert!(Filter::parse(wrong).is_err(), "{wrong}");
        }
    }
}
