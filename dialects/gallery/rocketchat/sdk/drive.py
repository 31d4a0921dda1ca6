"""Rocket.Chat's Python client: login, resume, me, registration, logout."""

import os

import requests
from rocketchat_API.APIExceptions.RocketExceptions import RocketApiException, RocketAuthenticationException
from rocketchat_API.APIExceptions.RocketExceptions import RocketBadStatusCodeException
from rocketchat_API.rocketchat import RocketChat

SERVER = os.environ["MYNA_URL"]
USERNAME, PASSWORD, EMAIL = os.environ["MYNA_USERNAME"], os.environ["MYNA_PASSWORD"], os.environ["MYNA_EMAIL"]


def client(user=USERNAME, password=PASSWORD, **more):
    return RocketChat(user, password, server_url=SERVER, **more)


def refuses(error, call, *arguments):
    try:
        answer = call(*arguments)
    except error as said:
        return said
    raise AssertionError(f"{error.__name__} was expected: {answer}")


# The client sends `username` for a name and `user` for an e-mail, and shows both headers from then on.
chat = client()
assert chat.headers["X-User-Id"] == "1" and len(chat.headers["X-Auth-Token"]) >= 43, chat.headers
me = chat.me()
assert me["success"] is True and me["username"] == USERNAME and me["emails"][0]["address"] == EMAIL, me
assert client(EMAIL).headers["X-User-Id"] == "1"

# A wrong password and an unknown user are the client's own error.
refuses(RocketAuthenticationException, client, USERNAME, "wrong")
refuses(RocketAuthenticationException, client, "nobody", PASSWORD)

# A kept token works without a password; the documentation's `resume` gets a new one for it.
token = chat.headers["X-Auth-Token"]
kept = client(None, None, auth_token=token, user_id="1")
assert kept.me()["_id"] == "1"
resumed = requests.post(f"{SERVER}/api/v1/login", json={"resume": token}, timeout=30).json()
assert resumed["status"] == "success" and resumed["data"]["me"]["username"] == USERNAME, resumed
assert client(None, None, auth_token=resumed["data"]["authToken"], user_id="1").me()["_id"] == "1"
assert requests.post(f"{SERVER}/api/v1/login", json={"resume": "x"}, timeout=30).status_code == 401

# What it asks besides.
assert chat.info()["success"] is True

# Registration.
password = os.environ["MYNA_NEW_PASSWORD"]
new = chat.users_register("grace@example.com", "Grace", password, "grace")
assert new["success"] is True and new["user"]["username"] == "grace", new
assert client("grace", password).me()["name"] == "Grace"
refuses(RocketApiException, chat.users_register, "grace@example.com", "Grace", password, "grace")

# After a logout the token is worth nothing, and neither is half of the headers.
kept.headers["X-User-Id"] = "2"
refuses(RocketBadStatusCodeException, kept.me)
del kept.headers["X-User-Id"]
refuses(RocketBadStatusCodeException, kept.me)
kept.headers["X-User-Id"] = "1"
assert kept.me()["_id"] == "1"
assert chat.logout()["status"] == "success"
refuses(RocketBadStatusCodeException, chat.me)
refuses(RocketBadStatusCodeException, kept.me)

print("driven")
