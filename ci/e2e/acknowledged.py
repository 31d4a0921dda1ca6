"""Clients that remember what was acknowledged, and what has to hold of it after whatever happened to the server."""

import itertools
import threading

import support
from support import ask, bearer

PASSWORD = support.CANARY


class Client(threading.Thread):
    """Registers users, rotates their refresh tokens, signs some out. How it asks (`post`), how it signs out (`sign_out`)
    and when it ends (`run`) is its kind's."""

    numbers = itertools.count(1)

    def __init__(self, server, chance):
        super().__init__(daemon=True)
        self.server = server
        self.chance = chance
        self.users = []
        self.tokens = {}
        self.signed_out = {}
        self.rotations = 0
        self.stopped = threading.Event()
        self.wrong = None

    def live(self, connection):
        """The life of one user."""
        email = f"user-{next(self.numbers)}@example.com"
        data = self.post(connection, "register", {
            "name": "Ada", "email": email, "password": PASSWORD, "password_confirmation": PASSWORD,
        })
        self.users.append(email)
        self.tokens[email] = data["refresh_token"]
        for _ in range(self.chance.randint(1, 6)):
            data = self.post(connection, "token/refresh", {"refresh_token": data["refresh_token"]})
            self.tokens[email] = data["refresh_token"]
            self.rotations += 1
        if self.chance.random() < 0.5:
            self.sign_out(connection, email, bearer(data["access_token"]))


def login(connection, email):
    return ask(connection, "POST", "/api/v1/login", {"email": email, "password": PASSWORD})


def refresh(connection, token):
    return ask(connection, "POST", "/api/v1/token/refresh", {"refresh_token": token})


def check(test, server, client):
    """What was acknowledged holds, what was ended stays ended."""
    connection = server.connect()
    for email in client.users:
        test.assertEqual(login(connection, email).status, 200, email)
    for email, token in client.tokens.items():
        # Current, or replaced by a rotation whose answer was lost: then a retry gets the same successor (RF-02).
        test.assertEqual(refresh(connection, token).status, 200, email)
    for email, token in client.signed_out.items():
        test.assertEqual(refresh(connection, token).status, 401, email)
    connection.close()
