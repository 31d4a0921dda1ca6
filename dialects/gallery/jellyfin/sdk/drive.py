"""Jellyfin's Python client: connect, login, me, a kept token, password, logout."""

import logging
import os

from jellyfin_apiclient_python import JellyfinClient
from jellyfin_apiclient_python.connection_manager import CONNECTION_STATE
from jellyfin_apiclient_python.exceptions import HTTPException

SERVER = os.environ["MYNA_URL"]
USERNAME, PASSWORD = os.environ["MYNA_USERNAME"], os.environ["MYNA_PASSWORD"]
NEW_PASSWORD = os.environ["MYNA_NEW_PASSWORD"]

logging.disable(logging.CRITICAL)  # the client logs every refusal that is provoked here


def client(device="a device"):
    made = JellyfinClient()
    made.config.app("drive", "1.2.3", device, device + " id")
    made.config.data["auth.ssl"] = True
    found = made.auth.connect_to_address(SERVER)
    assert found["State"] == CONNECTION_STATE.ServerSignIn, found
    return made


def refuses(status, call, *arguments):
    try:
        answer = call(*arguments)
    except HTTPException as said:
        assert said.status == status, said.status
        return
    raise AssertionError(f"{status} was expected: {answer}")


# Connecting asks who the server is; the login must name the same server, or the client does not take it.
jelly = client()
data = jelly.auth.login(SERVER, USERNAME, PASSWORD)
assert data["User"]["Name"] == USERNAME and len(data["AccessToken"]) >= 32, data
session = data["SessionInfo"]
assert session["Client"] == "drive" and session["ApplicationVersion"] == "1.2.3", session
assert session["DeviceName"] == "a device" and session["DeviceId"] == "a device id", session
me = jelly.jellyfin.get_user("Me")
assert me["Name"] == USERNAME and me["Id"] == data["User"]["Id"], me
assert jelly.jellyfin.get_user()["Id"] == me["Id"]  # by the id that the client kept

# A wrong password and an unknown user: the client has nothing for them but an empty answer.
assert client().auth.login(SERVER, USERNAME, "wrong") == {}
assert client().auth.login(SERVER, "nobody", PASSWORD) == {}

# A kept token: the client proves it by asking for the server's information.
kept = JellyfinClient()
kept.config.app("drive", "1.2.3", "a device", "a device id")
kept.config.data["auth.ssl"] = True
state = kept.authenticate({"Servers": jelly.get_credentials()["Servers"]}, discover=False)
assert state["State"] == CONNECTION_STATE.SignedIn, state
assert kept.jellyfin.get_user("Me")["Id"] == me["Id"]

# What it asks besides.
assert jelly.jellyfin.get_public_users() == []
assert jelly.jellyfin.quick_connect_enabled(SERVER) is False
assert jelly.jellyfin.get_system_info_new()["ProductName"] == "Jellyfin Server"

# A new password ends the sessions of the other devices.
other = client("another device")
assert other.auth.login(SERVER, USERNAME, PASSWORD)["AccessToken"] != data["AccessToken"]
change = {"CurrentPw": PASSWORD, "NewPw": NEW_PASSWORD}
refuses(403, lambda: jelly.jellyfin._post("Users/Password", {**change, "CurrentPw": "wrong"}))
jelly.jellyfin._post("Users/Password", change)
refuses("Unauthorized", other.jellyfin.get_user, "Me")
assert jelly.jellyfin.get_user("Me")["Id"] == me["Id"]
assert client().auth.login(SERVER, USERNAME, PASSWORD) == {}

# After a logout the token is worth nothing.
jelly.jellyfin.sessions("/Logout", "POST")
refuses("Unauthorized", jelly.jellyfin.get_user, "Me")
kept.config.data["auth.token"] = data["AccessToken"]
refuses("Unauthorized", kept.jellyfin.get_user, "Me")

print("driven")
