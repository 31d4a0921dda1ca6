"""Mattermost's Python driver: login, me, passwords, sessions, logout."""

import os
import urllib.parse

import requests
from mattermostdriver import Driver
from mattermostdriver.exceptions import InvalidOrMissingParameters, NoAccessTokenProvided, NotEnoughPermissions

USERNAME, PASSWORD = os.environ["MYNA_USERNAME"], os.environ["MYNA_PASSWORD"]
NEW_PASSWORD = os.environ["MYNA_NEW_PASSWORD"]


def driver(login_id=USERNAME, password=PASSWORD, token=None, server="MYNA_URL"):
    url = urllib.parse.urlsplit(os.environ[server])
    options = {"scheme": url.scheme, "url": url.hostname, "port": url.port, "login_id": login_id, "password": password}
    return Driver({**options, "token": token})


def refuses(error, call, *arguments):
    try:
        answer = call(*arguments)
    except error as said:
        return str(said)
    raise AssertionError(f"{error.__name__} was expected: {answer}")


# A login puts the token into a header, which the driver shows from then on.
first = driver()
user = first.login()
assert user["username"] == USERNAME and user["email"] == os.environ["MYNA_EMAIL"], user
assert user["id"] == first.client.userid == "1", user
assert len(first.client.token) > 26
assert first.users.get_user("me") == first.users.get_user(first.client.userid) == user
assert driver(os.environ["MYNA_EMAIL"]).login()["id"] == "1"

# A kept token is as good as a login; another one is not.
kept = driver(token=first.client.token)
assert kept.login()["id"] == "1"
said = refuses(NoAccessTokenProvided, driver(token=first.client.token[:-1]).login)
assert said == "Invalid or expired session, please login again.", said

# A wrong password and an unknown user are told in the same words.
wrong = refuses(NoAccessTokenProvided, driver(password="wrong").login)
assert wrong == refuses(NoAccessTokenProvided, driver(login_id="nobody").login)
assert wrong == "Enter a valid email or username and/or password.", wrong
refuses(InvalidOrMissingParameters, driver(login_id=7).login)

# What it asks besides.
assert first.system.check_system_health()["status"] == "OK"

# Registration.
new = {"email": "grace@example.com", "username": "grace", "password": NEW_PASSWORD, "first_name": "Grace"}
created = first.users.create_user(new)
assert created["username"] == "grace" and created["first_name"] == "Grace", created
assert driver("grace", NEW_PASSWORD).login()["id"] == created["id"]
refuses(InvalidOrMissingParameters, first.users.create_user, new)

# A new password ends the user's other sessions, not this one.
second = driver()
second.login()
change = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
refuses(InvalidOrMissingParameters, second.users.update_user_password, "me", {**change, "current_password": "wrong"})
refuses(NotEnoughPermissions, second.users.update_user_password, created["id"], change)
assert second.users.update_user_password(second.client.userid, change)["status"] == "OK"
refuses(NoAccessTokenProvided, first.users.get_user, "me")
assert second.users.get_user("me")["id"] == "1"
refuses(NoAccessTokenProvided, driver().login)

# Where the user is signed in: this session is the last; another one is ended, then all are.
third = driver(password=NEW_PASSWORD)
third.login()
listed = third.users.get_user_sessions(third.client.userid)
assert [one["user_id"] for one in listed] == ["1", "1"] and listed[0]["last_activity_at"] >= listed[1]["last_activity_at"]
assert not any(one["token"] for one in listed)
assert second.users.revoke_user_session("me", {"session_id": listed[0]["id"]})["status"] == "OK"
refuses(NoAccessTokenProvided, third.users.get_user, "me")
refuses(InvalidOrMissingParameters, second.users.revoke_user_session, "me", {"session_id": listed[0]["id"]})
assert second.users.revoke_all_user_sessions("me")["status"] == "OK"
refuses(NoAccessTokenProvided, second.users.get_user, "me")
second = driver(password=NEW_PASSWORD)
second.login()

# After a logout the token is worth nothing.
token = second.client.token
assert second.logout()["status"] == "OK"
refuses(NoAccessTokenProvided, driver(token=token).login)

# A browser asks in a way of its own and gets a cookie, which works alone. TLS: the cookie is `Secure`.
base = os.environ["MYNA_HTTPS_URL"] + "/api/v4/users/"
browser = requests.Session()
answer = browser.post(
    base + "login", json={"login_id": USERNAME, "password": NEW_PASSWORD}, headers={"X-Requested-With": "XMLHttpRequest"}
)
assert answer.status_code == 200 and browser.cookies["MMAUTHTOKEN"] == answer.headers["Token"]
assert browser.get(base + "me").json()["username"] == USERNAME
elsewhere = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
assert browser.post(base + "logout", headers=elsewhere).status_code == 403
assert browser.post(base + "logout").json() == {"status": "OK"}
assert "MMAUTHTOKEN" not in browser.cookies
assert browser.get(base + "me").status_code == 401

print("driven")
