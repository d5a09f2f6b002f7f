#!/usr/bin/env python3
"""Fills an empty Tryton database with a described company, over JSON-RPC as any client would.

    seed.py URL DATABASE ADMIN_PASSWORD COMPANY.json

Prints what a test needs to know of it as JSON. In the description days are counted from today and
amounts are without tax, in the customer's currency:

    {"name", "currency", "items": [{"key", "name", "price"}],
     "customers": [{"key", "name", "email", "currency", "terms_days", "credit_limit"}],
     "documents": [{"kind": "invoice" | "credit_note" | "payment", "key", "customer", "day", ...}]}

Tryton knows no part of a line as settled: where a payment or a credit note is applied in parts, its
receivable side is posted as one line a part, and each is linked to its invoice. Lines that settle
each other in full are reconciled.
"""

import datetime
import decimal
import hashlib
import json
import sys

from rpc import Server

ZERO = decimal.Decimal(0)
YEARS_PAST = 3
YEARS_AHEAD = 1
# Units of the foreign currency for one of the company's, from so many days before today on. They
# differ, so that settling an old invoice makes an exchange difference.
RATES = [(4 * 366, "0.90"), (60, "0.92"), (20, "0.95")]
READING_GROUPS = ["Account Credit Limit", "Accounting"]
LOGIN = "pulse"


def money(text):
    return decimal.Decimal(text)


class Seed:
    def __init__(self, server, company):
        self.server = server
        self.description = company
        self.today = datetime.date.today()
        self.parties = {}
        self.products = {}
        self.invoices = {}
        self.open_lines = {}

    def day(self, offset):
        return self.today + datetime.timedelta(days=offset)

    def run(self):
        self.make_company()
        self.make_accounts()
        self.make_fiscal_years()
        self.make_cash()
        self.make_items()
        self.make_customers()
        self.post_sales()
        self.post_payments()
        self.settle()
        return {
            "company": self.company,
            "key": self.make_reader(),
            "customers": self.parties,
            "invoices": self.invoices,
            "items": self.products,
            "accounts": self.accounts,
            "payment_method": self.payment_method,
        }

    # The ground

    def make_company(self):
        server = self.server
        codes = {self.description["currency"]}
        codes |= {customer["currency"] for customer in self.description["customers"]}
        self.currencies = {}
        for code in sorted(codes):
            base = code == self.description["currency"]
            rates = [
                {"date": self.day(-days), "rate": money("1" if base else rate)}
                for days, rate in RATES
            ]
            (self.currencies[code],) = server.create(
                "currency.currency",
                {"name": code, "code": code, "symbol": code, "rates": [["create", rates]]},
            )
        (party,) = server.create("party.party", {"name": self.description["name"]})
        (self.company,) = server.create(
            "company.company",
            {
                "party": party,
                "currency": self.currencies[self.description["currency"]],
                "timezone": "Europe/London",
                "cancel_invoice_out": True,
            },
        )
        server.write(
            "res.user",
            [server.user],
            {"companies": [["add", [self.company]]], "company": self.company},
        )
        server.context = {"company": self.company}

    def make_accounts(self):
        kinds = {
            "receivable": ("balance", {"receivable": True, "assets": True}),
            "payable": ("balance", {"payable": True}),
            "cash": ("balance", {"assets": True}),
            "revenue": ("income", {"revenue": True}),
            "expense": ("income", {"expense": True}),
        }
        types = self.server.create(
            "account.account.type",
            *(
                {"name": name, "statement": statement, "company": self.company, **flags}
                for name, (statement, flags) in kinds.items()
            ),
        )
        of_parties = {"receivable", "payable"}
        accounts = self.server.create(
            "account.account",
            *(
                {
                    "name": name.title(),
                    "code": str(number),
                    "type": kind,
                    "company": self.company,
                    "party_required": name in of_parties,
                    "reconcile": name in of_parties,
                }
                for number, (name, kind) in enumerate(zip(kinds, types), 1)
            ),
        )
        self.accounts = dict(zip(kinds, accounts))
        journals = self.server.find("account.journal", [], "type")
        self.journals = {journal["type"]: journal["id"] for journal in journals}
        exchange = {
            "default_account_receivable": self.accounts["receivable"],
            "default_account_payable": self.accounts["payable"],
            "currency_exchange_journal": self.journals["write-off"],
            "currency_exchange_debit_account": self.accounts["expense"],
            "currency_exchange_credit_account": self.accounts["revenue"],
        }
        self.server.write("account.configuration", [1], exchange)

    def sequence(self, name, kind):
        kind = self.server.id("ir.sequence.type", ["name", "=", kind])
        values = {"name": name, "sequence_type": kind, "company": self.company}
        (sequence,) = self.server.create("ir.sequence.strict", values)
        return sequence

    def make_fiscal_years(self):
        this_year = self.today.year
        for year in range(this_year - YEARS_PAST, this_year + YEARS_AHEAD + 1):
            start, end = datetime.date(year, 1, 1), datetime.date(year, 12, 31)
            invoices = self.sequence(f"Invoices {year}", "Invoice")
            numbers = {
                f"{way}_{kind}_sequence": invoices
                for way in ("in", "out")
                for kind in ("invoice", "credit_note")
            }
            self.server.create(
                "account.fiscalyear",
                {
                    "name": str(year),
                    "start_date": start,
                    "end_date": end,
                    "company": self.company,
                    "move_sequence": self.sequence(f"Moves {year}", "Account Move"),
                    "invoice_sequences": [
                        ["create", [{"company": self.company, **numbers}]]
                    ],
                    "periods": [
                        [
                            "create",
                            [
                                {
                                    "name": str(year),
                                    "start_date": start,
                                    "end_date": end,
                                    "type": "standard",
                                }
                            ],
                        ]
                    ],
                },
            )
        periods = self.server.find("account.period", [], "start_date")
        self.periods = {period["start_date"].year: period["id"] for period in periods}

    def make_cash(self):
        (self.payment_method,) = self.server.create(
            "account.invoice.payment.method",
            {
                "name": "Bank transfer",
                "company": self.company,
                "journal": self.journals["cash"],
                "debit_account": self.accounts["cash"],
                "credit_account": self.accounts["cash"],
            },
        )

    def make_items(self):
        self.unit = self.server.id("product.uom", ["name", "=", "Unit"])
        (category,) = self.server.create(
            "product.category",
            {
                "name": "Goods",
                "accounting": True,
                "account_revenue": self.accounts["revenue"],
                "account_expense": self.accounts["expense"],
            },
        )
        for item in self.description["items"]:
            (template,) = self.server.create(
                "product.template",
                {
                    "name": item["name"],
                    "type": "service",
                    "default_uom": self.unit,
                    "account_category": category,
                    "list_price": money(item["price"]),
                    "products": [["create", [{"suffix_code": item["key"]}]]],
                },
            )
            product = self.server.id("product.product", ["template", "=", template])
            self.products[item["key"]] = product

    def make_customers(self):
        for customer in self.description["customers"]:
            values = {
                "name": customer["name"],
                "addresses": [["create", [{"street": "1 Quay Street"}]]],
            }
            if email := customer.get("email"):
                mechanism = {"type": "email", "value": email}
                values["contact_mechanisms"] = [["create", [mechanism]]]
            if customer.get("credit_limit") is not None:
                values["credit_limit_amount"] = money(customer["credit_limit"])
            (party,) = self.server.create("party.party", values)
            self.parties[customer["key"]] = party
        addresses = self.server.find("party.address", [], "party")
        self.addresses = {address["party"]: address["id"] for address in addresses}
        self.currency_of = {
            customer["key"]: customer["currency"]
            for customer in self.description["customers"]
        }

    def make_reader(self):
        groups = self.server.find("res.group", [["name", "in", READING_GROUPS]], "id")
        (user,) = self.server.create(
            "res.user",
            {
                "name": "Reader of the books",
                "login": LOGIN,
                "companies": [["add", [self.company]]],
                "company": self.company,
                "groups": [["add", [group["id"] for group in groups]]],
            },
        )
        (application,) = self.server.create(
            "res.user.application", {"application": "rest", "user": user}
        )
        (found,) = self.server.find(
            "res.user.application", [["id", "=", application]], "key"
        )
        return found["key"]

    # The documents

    def of_kind(self, *kinds):
        return [one for one in self.description["documents"] if one["kind"] in kinds]

    def post_sales(self):
        sales = sorted(
            self.of_kind("invoice", "credit_note"), key=lambda sale: sale["day"]
        )
        ids = self.server.create("account.invoice", *map(self.sale, sales))
        # The server wants to be told that a due date in the past is meant, invoice by invoice, and
        # starts anew each time: tell it beforehand.
        told = [hashlib.md5(f"account.invoice,{id}".encode()).hexdigest() for id in ids]
        self.server.create(
            "res.user.warning",
            *(
                {"user": self.server.user, "name": f"{key}.invoice_payment_term"}
                for key in told
            ),
        )
        # In the order of their dates, since numbers may not go back in time.
        self.server.on("account.invoice", "post", ids)
        for sale, invoice in zip(sales, ids):
            self.invoices[sale["key"]] = invoice
        lines = self.server.find(
            "account.move.line",
            [["account", "=", self.accounts["receivable"]]],
            "move_origin",
            "debit",
            "credit",
            "amount_second_currency",
        )
        key_of = {f"account.invoice,{id}": sale["key"] for sale, id in zip(sales, ids)}
        for line in lines:
            self.open_lines.setdefault(key_of[line["move_origin"]], []).append(line)

    def sale(self, sale):
        party = self.parties[sale["customer"]]
        sign = 1 if sale["kind"] == "invoice" else -1
        lines = [
            {
                "type": "line",
                "product": self.products[line["item"]],
                "unit": self.unit,
                "account": self.accounts["revenue"],
                "quantity": sign * float(line["quantity"]),
                "unit_price": money(line["price"]),
                "currency": self.currencies[self.currency_of[sale["customer"]]],
                "company": self.company,
            }
            for line in sale["lines"]
        ]
        total = sum(
            (money(line["quantity"]) * money(line["price"]) for line in sale["lines"]),
            ZERO,
        )
        values = {
            "type": "out",
            "company": self.company,
            "party": party,
            "invoice_address": self.addresses[party],
            "currency": self.currencies[self.currency_of[sale["customer"]]],
            "account": self.accounts["receivable"],
            "journal": self.journals["revenue"],
            "invoice_date": self.day(sale["day"]),
            "payment_term_date": self.day(sale.get("due", sale["day"])),
            "lines": [["create", lines]],
        }
        if number := sale.get("number"):
            # The ledger gives its own numbers out.
            values["reference"] = number
        parts = [money(part["amount"]) for part in sale.get("apply", [])]
        rest = total - sum(parts, ZERO)
        if sale["kind"] == "credit_note" and len(parts) + bool(rest) > 1:
            values["payment_term"] = self.terms(sale, parts if rest else parts[:-1])
        return values

    def terms(self, sale, parts):
        """Terms that split a document into these parts and the rest."""
        currency = self.currencies[self.currency_of[sale["customer"]]]
        at_once = ["create", [{"months": 0, "weeks": 0, "days": 0}]]
        lines = [
            {
                "sequence": number,
                "type": "fixed",
                "currency": currency,
                "amount": part,
                "relativedeltas": [at_once],
            }
            for number, part in enumerate(parts)
        ]
        rest = {"sequence": len(parts), "type": "remainder", "relativedeltas": [at_once]}
        (terms,) = self.server.create(
            "account.invoice.payment_term",
            {"name": sale["key"], "lines": [["create", [*lines, rest]]]},
        )
        return terms

    def post_payments(self):
        payments = self.of_kind("payment")
        if not payments:
            return
        moves = self.server.create("account.move", *map(self.payment, payments))
        self.server.on("account.move", "post", moves)
        key_of = dict(zip(moves, (payment["key"] for payment in payments)))
        lines = self.server.find(
            "account.move.line",
            [["account", "=", self.accounts["receivable"]], ["move", "in", moves]],
            "move",
            "debit",
            "credit",
            "amount_second_currency",
        )
        for line in lines:
            self.open_lines.setdefault(key_of[line["move"]], []).append(line)

    def payment(self, payment):
        day = self.day(payment["day"])
        code = self.currency_of[payment["customer"]]
        amount = money(payment["amount"])
        parts = [money(part["amount"]) for part in payment.get("apply", [])]
        if rest := amount - sum(parts, ZERO):
            parts.append(rest)
        lines = [
            {
                "account": self.accounts["receivable"],
                "party": self.parties[payment["customer"]],
                **self.entry(-part, code, day),
            }
            for part in parts
        ]
        own = [self.entry(-part, code, day)["credit"] for part in parts]
        cash = {
            "account": self.accounts["cash"],
            "debit": sum(own, ZERO),
            "credit": ZERO,
        }
        return {
            "company": self.company,
            "journal": self.journals["cash"],
            "period": self.periods[day.year],
            "date": day,
            "description": payment["key"],
            "lines": [["create", [*lines, cash]]],
        }

    def entry(self, amount, code, day):
        """An amount (above zero a debit) on a day, in the company's currency and its own."""
        own = amount
        foreign = {}
        if code != self.description["currency"]:
            rate = next(
                money(rate) for days, rate in reversed(RATES) if self.day(-days) <= day
            )
            own = (amount / rate).quantize(decimal.Decimal("0.01"))
            foreign = {
                "amount_second_currency": amount,
                "second_currency": self.currencies[code],
            }
        debit, credit = (own, ZERO) if own > 0 else (ZERO, -own)
        return {"debit": debit, "credit": credit, **foreign}

    def settle(self):
        """Links each part to its invoice, and reconciles what is settled in full."""
        linked = {}
        for document in self.of_kind("payment", "credit_note"):
            lines = list(self.open_lines[document["key"]])
            for part in document.get("apply", []):
                line = next(
                    line for line in lines if -signed(line) == money(part["amount"])
                )
                lines.remove(line)
                linked.setdefault(part["to"], []).append(line)
        for key, lines in linked.items():
            owed = self.open_lines[key]
            if sum(map(signed, [*owed, *lines])) == 0:
                self.server.wizard(
                    "account.move.reconcile_lines",
                    [("start", {})],
                    "account.move.line",
                    [line["id"] for line in [*owed, *lines]],
                )
            else:
                add = ["add", [line["id"] for line in lines]]
                self.server.write(
                    "account.invoice", [self.invoices[key]], {"payment_lines": [add]}
                )


def signed(line):
    """What a line adds to the debt, in its own currency."""
    if line["amount_second_currency"] is not None:
        return line["amount_second_currency"]
    return line["debit"] - line["credit"]


def main():
    url, database, password, path = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        company = json.load(file)
    server = Server(url, database, "admin", password)
    seeded = Seed(server, company).run()
    # Nothing but JSON may stand on the standard output.
    json.dump(seeded, sys.stdout, indent=1)


main()
