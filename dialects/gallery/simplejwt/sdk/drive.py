"""Simple JWT and djoser have no client of their own: their documented calls, made with `requests`."""

import email
import email.policy
import os
import pathlib
import re
import time
import urllib.parse

import jwt
import requests

BASE = os.environ["MYNA_URL"] + "/auth/"
USERNAME, PASSWORD = os.environ["MYNA_USERNAME"], os.environ["MYNA_PASSWORD"]
NEW_PASSWORD = os.environ["MYNA_NEW_PASSWORD"]
session = requests.Session()


def post(path, status, body, token=None, **more):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = session.post(BASE + path, headers=headers, timeout=30, **(more or {"json": body}))
    assert answer.status_code == status, f"{path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


def me(token, status=200):
    answer = session.get(BASE + "users/me/", headers={"Authorization": f"Bearer {token}"}, timeout=30)
    assert answer.status_code == status, answer.text
    return answer.json()


def create(status=200, username=USERNAME, password=PASSWORD):
    return post("jwt/create/", status, {"username": username, "password": password})


def mailed_token():
    """The token of the newest reset link; the mail is written a moment after the answer."""
    for _ in range(200):
        for path in pathlib.Path(os.environ["MYNA_MAIL"]).glob("*.eml"):
            text = email.message_from_bytes(path.read_bytes(), policy=email.policy.default).get_content()
            return urllib.parse.parse_qs(re.search(r"https://\S+\?(\S+)", text)[1])["token"][0]
        time.sleep(0.05)
    raise AssertionError("no mail came")


# The pair, in each encoding that REST framework reads.
pair = create()
claims = jwt.decode(pair["access"], options={"verify_signature": False})
assert claims["token_type"] == "access" and claims["user_id"] == "1", claims
assert jwt.decode(pair["refresh"], options={"verify_signature": False})["token_type"] == "refresh"
fields = {"username": USERNAME, "password": PASSWORD}
assert post("jwt/create/", 200, None, data=fields)["access"]
assert post("jwt/create/", 200, None, files={name: (None, value) for name, value in fields.items()})["access"]
assert me(pair["access"]) == {"email": os.environ["MYNA_EMAIL"], "id": 1, "username": USERNAME}
assert post("jwt/verify/", 200, {"token": pair["access"]}) == {}

# Refusals.
refused = create(401, password="wrong")
assert refused == create(401, username="nobody") == {"detail": "No active account found with the given credentials"}
assert post("jwt/create/", 400, {"username": USERNAME}) == {"password": ["This field is required."]}
assert me("a.b.c", 401)["code"] == post("jwt/verify/", 401, {"token": "a.b.c"})["code"] == "token_not_valid"

# Rotation; the first token again, after its successor was used, ends the session.
second = post("jwt/refresh/", 200, {"refresh": pair["refresh"]})
third = post("jwt/refresh/", 200, {"refresh": second["refresh"]})
assert me(third["access"])["id"] == 1
assert post("jwt/refresh/", 401, {"refresh": pair["refresh"]})["code"] == "token_not_valid"
post("jwt/refresh/", 401, {"refresh": third["refresh"]})
me(third["access"], 401)

# Registration.
new = {"username": "grace", "email": "grace@example.com", "password": NEW_PASSWORD}
created = post("users/", 201, new)
assert created == {"email": "grace@example.com", "username": "grace", "id": me(create(200, "grace", NEW_PASSWORD)["access"])["id"]}
assert sorted(post("users/", 400, new)) == ["email", "username"]

# A changed password.
access = create()["access"]
wrong = post("users/set_password/", 400, {"current_password": "wrong", "new_password": NEW_PASSWORD}, access)
assert wrong == {"current_password": ["Invalid password."]}
post("users/set_password/", 204, {"current_password": PASSWORD, "new_password": NEW_PASSWORD}, access)
create(401)

# A forgotten one.
post("users/reset_password/", 204, {"email": "nobody@example.com"})
post("users/reset_password/", 204, {"email": os.environ["MYNA_EMAIL"]})
link = {"uid": "MQ", "token": mailed_token(), "new_password": PASSWORD}
assert post("users/reset_password_confirm/", 400, {**link, "token": "x"}) == {"token": ["Invalid token for given user."]}
post("users/reset_password_confirm/", 204, link)
me(access, 401)
last = create()

# Simple JWT's blacklist is its logout.
blacklist = session.post(os.environ["MYNA_URL"] + "/api/token/blacklist/", json={"refresh": last["refresh"]}, timeout=30)
assert blacklist.status_code == 200 and blacklist.json() == {}
post("jwt/refresh/", 401, {"refresh": last["refresh"]})
me(last["access"], 401)

print("driven")
