"""What schemathesis needs to know of the schema, and what every answer has to be.

Its own check takes any GraphQL error for a failure. Here an error is right when it is one of the
catalogue's, is the caller's, and says nothing of what is inside.
"""

import json
import os
import re

import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

ids = json.loads(os.environ["PULSE_SCHEMATHESIS_IDS"])
texts = st.one_of(st.sampled_from(ids), st.sampled_from(ids), st.text(max_size=40))
days = st.dates().map(str)

schemathesis.graphql.scalar("ID", texts.map(nodes.String))
schemathesis.graphql.scalar(
    "Decimal",
    st.one_of(
        st.decimals(allow_nan=False, allow_infinity=False).map(str), st.text(max_size=20)
    ).map(nodes.String),
)
schemathesis.graphql.scalar(
    "CurrencyCode", st.one_of(st.sampled_from(["USD", "EUR", "JPY"]), st.text(max_size=5)).map(nodes.String)
)
schemathesis.graphql.scalar("Date", st.one_of(days, st.text(max_size=12)).map(nodes.String))
schemathesis.graphql.scalar("DateTime", days.map(lambda day: f"{day}T00:00:00Z").map(nodes.String))

CALLERS = {"BAD_USER_INPUT", "NOT_FOUND", "FORBIDDEN"}
EXTENSIONS = {"code", "field", "requestId"}
INNER = re.compile(r"panicked|\.rs:\d|backtrace|sqlx|sqlite|serde|async_graphql|-->|Did you mean", re.I)
HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


@schemathesis.check
def answers_are_typed_and_safe(ctx, response, case):
    assert response.status_code in (200, 400), response.status_code
    for name, value in HEADERS.items():
        assert response.headers[name] == [value], name
    assert "server" not in response.headers
    answer = json.loads(response.content)
    assert set(answer) <= {"data", "errors"}, set(answer)
    for error in answer.get("errors", []):
        extensions = error["extensions"]
        assert extensions["code"] in CALLERS, error
        assert set(extensions) <= EXTENSIONS, error
        assert not INNER.search(error["message"]), error
