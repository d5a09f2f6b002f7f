"""A small client of Tryton's JSON-RPC, with nothing but the standard library."""

import base64
import datetime
import decimal
import json
import urllib.error
import urllib.request


class Refused(Exception):
    """The server answered with an error."""


class Warned(Refused):
    """The server wants a warning confirmed before it goes on."""

    def __init__(self, text, key):
        super().__init__(text)
        self.key = key


def to_wire(value):
    """A value as Tryton's JSON spells it."""
    if isinstance(value, decimal.Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime.date):
        return {
            "__class__": "date",
            "year": value.year,
            "month": value.month,
            "day": value.day,
        }
    if isinstance(value, dict):
        return {key: to_wire(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_wire(inner) for inner in value]
    return value


def from_wire(value):
    """The reverse; times stay as they came, since nothing here reads them."""
    if isinstance(value, dict):
        kind = value.get("__class__")
        if kind == "Decimal":
            return decimal.Decimal(value["decimal"])
        if kind == "date":
            return datetime.date(value["year"], value["month"], value["day"])
        return {key: from_wire(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [from_wire(inner) for inner in value]
    return value


class Server:
    """One database of a running server, as one user."""

    def __init__(self, url, database, login, password):
        self.address = f"{url}/{database}/rpc/"
        self.context = {}
        self.authorization = None
        user, session, *_ = self.call(
            "common.db.login", login, {"password": password}, "en"
        )
        self.user = user
        token = f"{login}:{user}:{session}".encode()
        self.authorization = "Session " + base64.b64encode(token).decode()

    def call(self, method, *params):
        """Calls a method and gives its result back."""
        body = json.dumps({"id": 1, "method": method, "params": to_wire(params)})
        headers = {"Content-Type": "application/json"}
        if self.authorization:
            headers["Authorization"] = self.authorization
        request = urllib.request.Request(self.address, body.encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                answer = json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(f"{method}: status {error.code}") from error
        if "error" in answer:
            name, told, *_ = answer["error"]
            text = f"{method}: {answer['error']}"
            raise Warned(text, told[0]) if name == "UserWarning" else Refused(text)
        return from_wire(answer["result"])

    def on(self, model, method, *params):
        """Calls a method of a model, in the context, confirming what it warns of."""
        confirmed = set()
        while True:
            try:
                return self.call(f"model.{model}.{method}", *params, self.context)
            except Warned as warned:
                if warned.key in confirmed:
                    raise
                confirmed.add(warned.key)
                self.create("res.user.warning", {"user": self.user, "name": warned.key})

    def create(self, model, *records):
        """Makes records and gives their ids back."""
        return self.on(model, "create", list(records))

    def write(self, model, ids, values):
        """Changes records."""
        self.on(model, "write", ids, values)

    def find(self, model, domain, *fields):
        """Every record of a domain in the order of their ids."""
        order = [["id", "ASC"]]
        return self.on(model, "search_read", domain, 0, None, order, list(fields))

    def id(self, model, *domain):
        """The id of the one record of a domain."""
        found = self.find(model, list(domain), "id")
        if len(found) != 1:
            raise Refused(f"{model} {domain}: {len(found)} records instead of one")
        return found[0]["id"]

    def wizard(self, name, states, model, ids):
        """Runs a wizard over records: each state with the values of its forms."""
        wizard, *_ = self.call(f"wizard.{name}.create", self.context)
        context = {
            **self.context,
            "active_model": model,
            "active_id": ids[0],
            "active_ids": ids,
            "action_id": 0,
        }
        for state, forms in states:
            self.call(f"wizard.{name}.execute", wizard, forms, state, context)
        self.call(f"wizard.{name}.delete", wizard, self.context)
