//! The running server that `scripts/with-tryton.sh` made, driven by JSON-RPC as its own clients do.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// The server, or `None`, said plainly, where there is none.
///
/// # Panics
/// When there is none and `PULSE_TEST_TRYTON_REQUIRED=1` says that there must be.
#[expect(
    clippy::disallowed_methods,
    reason = "belongs to the tests, not to the settings"
)]
pub(crate) fn described() -> Option<Value> {
    if let Ok(file) = std::env::var("PULSE_TEST_TRYTON") {
        return Some(crate::contracts::json(file.as_ref()));
    }
    let required = std::env::var("PULSE_TEST_TRYTON_REQUIRED").is_ok_and(|value| value == "1");
    assert!(
        !required,
        "PULSE_TEST_TRYTON is required and absent: run by scripts/with-tryton.sh"
    );
    #[expect(
        clippy::print_stderr,
        reason = "a test that checks nothing must say so"
    )]
    {
        eprintln!(
            "no Tryton server (scripts/with-tryton.sh starts one): this test checked nothing"
        );
    }
    None
}

/// One database of the server, as its administrator.
pub(crate) struct Books {
    pub(crate) url: String,
    pub(crate) database: String,
    /// What the seed made: keys of the description to ids.
    pub(crate) seeded: Value,
    client: reqwest::Client,
    authorization: String,
}

impl Books {
    pub(crate) async fn open(server: &Value, database: &str) -> Self {
        let text = |name: &str| server[name].as_str().expect("text").to_owned();
        let mut books = Self {
            url: text("url"),
            database: database.to_owned(),
            seeded: server["databases"][database].clone(),
            client: reqwest::Client::builder()
                .no_proxy()
                .build()
                .expect("a client"),
            authorization: String::new(),
        };
        let login = text("login");
        let params = json!([login, {"password": text("password")}, "en"]);
        let session = books.post("common.db.login", &params).await;
        let (user, token) = (&session[0], session[1].as_str().expect("a session"));
        let session = BASE64_STANDARD.encode(format!("{login}:{user}:{token}"));
        books.authorization = format!("Session {session}");
        books
    }

    async fn post(&self, method: &str, params: &Value) -> Value {
        let answer = self
            .client
            .post(format!("{}/{}/rpc/", self.url, self.database))
            .header("Authorization", &self.authorization)
            .json(&json!({"id": 1, "method": method, "params": params}))
            .send()
            .await
            .expect("the server answers");
        let answer: Value = answer.json().await.expect("JSON");
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    fn context(&self) -> Value {
        json!({"company": self.seeded["company"]})
    }

    /// Calls a method of a model.
    pub(crate) async fn call(&self, model: &str, method: &str, params: Value) -> Value {
        let Value::Array(mut params) = params else {
            panic!("parameters are a list");
        };
        params.push(self.context());
        self.post(&format!("model.{model}.{method}"), &params.into())
            .await
    }

    /// Makes a record and gives its id back.
    pub(crate) async fn create(&self, model: &str, values: Value) -> i64 {
        let ids = self.call(model, "create", json!([[values]])).await;
        ids[0].as_i64().expect("an id")
    }

    /// One field of a record, an amount as its text.
    pub(crate) async fn field(&self, model: &str, id: i64, field: &str) -> Value {
        let rows = self.call(model, "read", json!([[id], [field]])).await;
        match &rows[0][field]["decimal"] {
            Value::Null => rows[0][field].clone(),
            amount => amount.clone(),
        }
    }

    /// The id that the seed gave a thing of the description.
    pub(crate) fn id(&self, kind: &str, key: &str) -> i64 {
        self.seeded[kind][key].as_i64().expect("seeded")
    }

    /// The one id of a domain.
    pub(crate) async fn find(&self, model: &str, domain: Value) -> i64 {
        let ids = self.call(model, "search", json!([domain])).await;
        ids[0].as_i64().expect("one")
    }

    /// Runs a wizard over one record: each state with the values of its forms.
    pub(crate) async fn wizard(
        &self,
        name: &str,
        states: &[(&str, Value)],
        model: &str,
        ids: &[i64],
    ) {
        let session = self
            .post(&format!("wizard.{name}.create"), &json!([self.context()]))
            .await;
        let mut context = self.context();
        context["active_model"] = model.into();
        context["active_id"] = ids[0].into();
        context["active_ids"] = ids.into();
        context["action_id"] = 0.into();
        let execute = format!("wizard.{name}.execute");
        for (state, forms) in states {
            self.post(&execute, &json!([session[0], forms, state, context]))
                .await;
        }
        let delete = format!("wizard.{name}.delete");
        self.post(&delete, &json!([session[0], self.context()]))
            .await;
    }
}

/// A date as Tryton spells it.
pub(crate) fn day(date: Date) -> Value {
    json!({"__class__": "date", "year": date.year(), "month": date.month(), "day": date.day()})
}

/// An amount as Tryton spells it.
pub(crate) fn amount(amount: Decimal) -> Value {
    json!({"__class__": "Decimal", "decimal": amount.to_string()})
}
