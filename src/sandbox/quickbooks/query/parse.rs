//! Reads a statement.
//!
//! `SELECT * | COUNT(*) FROM Entity [WHERE p op v [AND …]] [ORDERBY p [ASC|DESC]]
//! [STARTPOSITION n] [MAXRESULTS n]`; the last two in either order, `ORDER BY` as well as `ORDERBY`.

use std::cmp::Ordering;

use crate::sandbox::quickbooks::wire::fault::Fault;

/// A value in a condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    /// In quotes; numbers and times too.
    Text(String),
    /// `true` or `false`, bare.
    Flag(bool),
}

/// How a property is compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    /// `=`, `<`, `>`, `<=`, `>=`: the wanted ordering, and whether equality will do too.
    Is(Ordering, bool),
    /// One of several.
    In(Vec<Literal>),
    /// With `%` for anything.
    Like,
}

/// `property op value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) property: String,
    pub(super) comparison: Comparison,
    /// Unused for `In`.
    pub(super) value: Literal,
}

/// `ORDERBY property [DESC]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) property: String,
    pub(super) descending: bool,
}

/// A whole statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) count: bool,
    pub(super) entity: String,
    pub(super) conditions: Vec<Condition>,
    pub(super) order: Option<Order>,
    pub(super) start: Option<usize>,
    pub(super) most: Option<usize>,
}

impl Statement {
    /// What it finds, whatever page of it and whether counted or shown.
    pub(super) fn without_page(&self) -> String {
        format!("{}{:?}{:?}", self.entity, self.conditions, self.order)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Quoted(String),
    Symbol(&'static str),
}

/// Reads a statement.
///
/// # Errors
///
/// 4000, with what was found instead of what was awaited.
pub(super) fn statement(text: &str) -> Result<Statement, Fault> {
    let tokens = tokens(text)?;
    Parser {
        tokens: tokens.into_iter().peekable(),
    }
    .statement()
}

fn tokens(text: &str) -> Result<Vec<Token>, Fault> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    while let Some(&next) = characters.peek() {
        match next {
            space if space.is_whitespace() => {
                characters.next();
            }
            '\'' => {
                characters.next();
                tokens.push(Token::Quoted(quoted(&mut characters)?));
            }
            '*' | '(' | ')' | ',' | '=' => {
                characters.next();
                tokens.push(Token::Symbol(match next {
                    '*' => "*",
                    '(' => "(",
                    ')' => ")",
                    ',' => ",",
                    _ => "=",
                }));
            }
            '<' | '>' => {
                characters.next();
                let or_equal = characters.next_if_eq(&'=').is_some();
                tokens.push(Token::Symbol(match (next, or_equal) {
                    ('<', false) => "<",
                    ('<', true) => "<=",
                    (_, false) => ">",
                    (_, true) => ">=",
                }));
            }
            _ => {
                let mut word = String::new();
                while let Some(letter) = characters.next_if(|letter| {
                    letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-' | ':' | '+')
                }) {
                    word.push(letter);
                }
                if word.is_empty() {
                    return Err(Fault::query_parse(format!(
                        "Encountered \" \"{next}\" \" which no statement has"
                    )));
                }
                tokens.push(Token::Word(word));
            }
        }
    }
    Ok(tokens)
}

/// The rest of a quoted text. A backslash takes the next character as it is; a doubled quote ends it.
fn quoted(characters: &mut impl Iterator<Item = char>) -> Result<String, Fault> {
    let mut text = String::new();
    loop {
        match characters.next() {
            None => {
                return Err(Fault::query_parse("Encountered \"<EOF>\" in a quoted text"));
            }
            Some('\'') => return Ok(text),
            Some('\\') => text.extend(characters.next()),
            Some(letter) => text.push(letter),
        }
    }
}

struct Parser {
    tokens: std::iter::Peekable<std::vec::IntoIter<Token>>,
}

impl Parser {
    fn statement(mut self) -> Result<Statement, Fault> {
        self.keyword("SELECT")?;
        let count = if self.accept("COUNT") {
            self.symbol("(")?;
            self.symbol("*")?;
            self.symbol(")")?;
            true
        } else {
            // Projections are not available.
            self.symbol("*")?;
            false
        };
        self.keyword("FROM")?;
        let mut statement = Statement {
            count,
            entity: self.word("an entity")?,
            conditions: Vec::new(),
            order: None,
            start: None,
            most: None,
        };
        if self.accept("WHERE") {
            loop {
                let condition = self.condition()?;
                statement.conditions.push(condition);
                if !self.accept("AND") {
                    break;
                }
            }
        }
        if self.accept("ORDERBY") {
            statement.order = Some(self.order()?);
        } else if self.accept("ORDER") {
            self.keyword("BY")?;
            statement.order = Some(self.order()?);
        }
        loop {
            if statement.start.is_none() && self.accept("STARTPOSITION") {
                statement.start = Some(self.number()?);
            } else if statement.most.is_none() && self.accept("MAXRESULTS") {
                statement.most = Some(self.number()?);
            } else {
                break;
            }
        }
        match self.tokens.next() {
            None => Ok(statement),
            Some(token) => Err(unexpected(Some(&token), "the end of the statement")),
        }
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        let property = self.word("a property")?;
        let ignored = Literal::Flag(false);
        if self.accept("IN") {
            self.symbol("(")?;
            let mut values = vec![self.literal()?];
            while self.accept_symbol(",") {
                values.push(self.literal()?);
            }
            self.symbol(")")?;
            return Ok(Condition {
                property,
                comparison: Comparison::In(values),
                value: ignored,
            });
        }
        let comparison = if self.accept("LIKE") {
            Comparison::Like
        } else {
            match self.tokens.next() {
                Some(Token::Symbol("=")) => Comparison::Is(Ordering::Equal, true),
                Some(Token::Symbol("<")) => Comparison::Is(Ordering::Less, false),
                Some(Token::Symbol("<=")) => Comparison::Is(Ordering::Less, true),
                Some(Token::Symbol(">")) => Comparison::Is(Ordering::Greater, false),
                Some(Token::Symbol(">=")) => Comparison::Is(Ordering::Greater, true),
                other => return Err(unexpected(other.as_ref(), "an operator")),
            }
        };
        Ok(Condition {
            property,
            comparison,
            value: self.literal()?,
        })
    }

    fn order(&mut self) -> Result<Order, Fault> {
        let property = self.word("a property")?;
        let descending = self.accept("DESC");
        if !descending {
            self.accept("ASC");
        }
        Ok(Order {
            property,
            descending,
        })
    }

    fn literal(&mut self) -> Result<Literal, Fault> {
        match self.tokens.next() {
            Some(Token::Quoted(text)) => Ok(Literal::Text(text)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok(Literal::Flag(true)),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => {
                Ok(Literal::Flag(false))
            }
            other => Err(unexpected(other.as_ref(), "a value in quotes")),
        }
    }

    fn number(&mut self) -> Result<usize, Fault> {
        match self.tokens.next() {
            Some(Token::Word(word)) => word
                .parse()
                .map_err(|_| unexpected(Some(&Token::Word(word)), "a number")),
            other => Err(unexpected(other.as_ref(), "a number")),
        }
    }

    fn word(&mut self, awaited: &str) -> Result<String, Fault> {
        match self.tokens.next() {
            Some(Token::Word(word)) => Ok(word),
            other => Err(unexpected(other.as_ref(), awaited)),
        }
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), Fault> {
        if self.accept(keyword) {
            return Ok(());
        }
        Err(unexpected(self.tokens.peek(), keyword))
    }

    fn symbol(&mut self, symbol: &'static str) -> Result<(), Fault> {
        if self.accept_symbol(symbol) {
            return Ok(());
        }
        Err(unexpected(self.tokens.peek(), symbol))
    }

    fn accept(&mut self, keyword: &str) -> bool {
        self.tokens
            .next_if(
                |token| matches!(token, Token::Word(word) if word.eq_ignore_ascii_case(keyword)),
            )
            .is_some()
    }

    fn accept_symbol(&mut self, symbol: &'static str) -> bool {
        self.tokens.next_if_eq(&Token::Symbol(symbol)).is_some()
    }
}

fn unexpected(found: Option<&Token>, awaited: &str) -> Fault {
    let found = match found {
        Some(Token::Word(word) | Token::Quoted(word)) => word.as_str(),
        Some(Token::Symbol(symbol)) => symbol,
        None => "<EOF>",
    };
    Fault::query_parse(format!(
        "Encountered \" \"{found}\" \" Was expecting: {awaited}"
    ))
}
