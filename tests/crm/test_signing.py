"""Tokens signed by PyPI's libraries, shown at the doors of a running service."""

import json
import os
import re
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import uuid

import atlassian_jwt
import jwt
from hubspot.utils.signature import Signature

with open(os.environ["PULSE_TEST_STAGE"], encoding="utf-8") as file:
    STAGE = json.load(file)
CLIENT_KEY = "b7f6a1c2-acme-client-key"
PORTAL = "1234567"


def secret(name):
    return STAGE["secrets"][name]["text"]


def ask(path, query="", *, headers=None, body=None):
    """Asks by GET, or with a body by POST; the status and the text of the answer."""
    url = f"{STAGE['url']}{path}" + (f"?{query}" if query else "")
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def show(door, token):
    """Shows a token at a shape's door."""
    encode = urllib.parse.urlencode
    if "load" in door:
        return ask(door["load"], encode({**door["with"], door["parameter"]: token}))
    query = encode(door.get("query", {}))
    if "form" in door:
        return ask(door["form"], query, body=encode({door["parameter"]: token}).encode())
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return ask(door["exchange"], query, headers=headers, body=json.dumps(door["with"]).encode())


def sign(shape, *, changed=None, key=None, age=0):
    """Signs a shape's claims, with some of them changed."""
    changed = dict(changed or {})
    issued = int(time.time()) - age
    claims = {**shape["claims"], "iat": issued, "jti": str(uuid.uuid4()), **changed}
    claims["exp"] = issued + changed.get("exp", shape["life"])
    if claims.get("nbf") == 0:
        claims["nbf"] = issued
    key = key or shape["key"]
    if shape["algorithm"] == "HS256":
        material = secret(key)
    else:
        with open(STAGE["keys"][key]["private"], encoding="utf-8") as file:
            material = file.read()
    headers = {"kid": shape["kid"]} if "kid" in shape else None
    return jwt.encode(claims, material, algorithm=shape["algorithm"], headers=headers)


class Signed(unittest.TestCase):
    def enters(self, answer, proves):
        status, text = answer
        self.assertEqual(status, 200, text)
        block = re.search(r'id="pulse-boot">(.*?)</script>', text, re.DOTALL)
        said = json.loads(block.group(1) if block else text)
        self.assertEqual({name: said[name] for name in proves}, proves)

    def refused(self, answer):
        status, text = answer
        self.assertEqual(status, 401, text)
        self.assertIn("the token was not accepted", text)

    def test_shapes(self):
        for shape in STAGE["shapes"]:
            stranger = "nobody" if shape["algorithm"] == "HS256" else f"{shape['algorithm']}-theirs"
            with self.subTest(shape["name"]):
                self.enters(show(shape["door"], sign(shape)), shape["proves"])
            spoiled = {"another key": {"key": stranger}, "too old": {"age": shape["life"] + 120}}
            spoiled |= {what: {"changed": changed} for what, changed in shape["wrong"].items()}
            for what, wrong in spoiled.items():
                with self.subTest(shape["name"], refused=what):
                    self.refused(show(shape["door"], sign(shape, **wrong)))

    def test_atlassian_connect(self):
        path = "/embed/acme/atlassian-connect"
        query = "contact=10001&company=project%3A7&tz=Europe%2FBerlin&note=a%20b*~!%27()%26%3D%2B"

        def opens(signed=query, sent=query, method="GET", key="atlassian-connect", life=180, **changed):
            claims = {"sub": "557058:anna", "jti": str(uuid.uuid4()), **changed}
            token = atlassian_jwt.encode_token(
                method, f"{path}?{signed}", CLIENT_KEY, secret(key), life, payload_kwargs=claims
            )
            return ask(path, f"{sent}&jwt={token}")

        self.enters(opens(), {"contactId": "atlassian:issue:10001", "company": "atlassian:project:7"})
        for what, wrong in {
            "another contact in the address": {"sent": query.replace("10001", "10002")},
            "another method": {"method": "POST"},
            "another key": {"key": "nobody"},
            "another site": {"iss": "somebody"},
            "the library's own life of an hour": {"life": 3600},
            "a token for a context": {"qsh": "context-qsh"},
        }.items():
            with self.subTest(refused=what):
                self.refused(opens(**wrong))

    def test_hubspot(self):
        path = "/exchange/hubspot"
        query = f"userId=9&userEmail=anna%40acme.com&portalId={PORTAL}&appId=3"

        def call(key="hubspot", version="v3", age=0, sent='{"contact":"123"}', header=True):
            timestamp = str(int(time.time() * 1000) - age)
            uri = f"{STAGE['url']}{path}?{query.replace('%40', '@')}"
            signature = Signature.get_signature(
                secret(key), '{"contact":"123"}', version, uri, "POST", timestamp
            )
            headers = {"Content-Type": "application/json", "X-HubSpot-Request-Timestamp": timestamp}
            if header:
                headers["X-HubSpot-Signature-v3"] = signature
            return ask(path, query, headers=headers, body=sent.encode())

        status, text = call()
        self.assertEqual(status, 200, text)
        code = urllib.parse.urlencode({"code": json.loads(text)["code"]})
        self.enters(ask("/embed/code", code), {"contactId": "hubspot:contact:123"})
        self.refused(ask("/embed/code", code))
        for what, wrong in {
            "another secret": {"key": "nobody"},
            "six minutes old": {"age": 360_000},
            "another body": {"sent": '{"contact":"124"}'},
            "version 1": {"version": "v1"},
            "no signature": {"header": False},
        }.items():
            with self.subTest(refused=what):
                self.refused(call(**wrong))


if __name__ == "__main__":
    unittest.main()
