"""The keys of several nodes in their one database: who makes them, what cannot read them, and a rotation that nobody notices."""

import itertools
import os
import re
import signal
import threading
import time
import unittest

import jwt
import support
from postgres import Postgres
from support import bearer

PASSWORD = support.CANARY
KEY = "0123456789abcdef" * 4
OTHER = "fedcba9876543210" * 4
POLL, LEAD = 0.5, 4


def settings(address, key=KEY):
    pace = {"MYNA_KEYS_POLL": f"{int(POLL * 1000)}ms", "MYNA_KEYS_LEAD": f"{LEAD}s"}
    return {"MYNA_DATABASE": address, **pace, **({"MYNA_KEY_ENCRYPTION_KEY": key} if key else {})}


def register(node, email):
    body = {"name": "Ada", "email": email, "password": PASSWORD, "password_confirmation": PASSWORD}
    answer = node.ask("POST", "/api/v1/register", body)
    assert answer.status == 200, answer.text
    return answer.json["data"]


def cached_jwks(node):
    """A verifier that keeps the JWKS for as long as it may and asks for nothing in between."""
    answer = node.ask("GET", "/.well-known/jwks.json")
    age = int(re.search(r"max-age=(\d+)", answer.header("cache-control"))[1])
    return {key.key_id: key for key in jwt.PyJWKSet.from_dict(answer.json).keys}, time.monotonic() + age


class Clients:
    """Sign in at one node, use what they got at the others; what was refused is kept. Two of the four ask the first two nodes
    only, so that they go on while the third is frozen."""

    def __init__(self, nodes):
        self.nodes = nodes
        self.refused, self.used, self.unknown, self.begun = [], 0, 0, set()
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.guarded, args=(work, number))
                        for number, work in enumerate((self.passport, self.spring, self.portal, self.spring))]

    def guarded(self, work, number):
        email = f"client{number}-{time.monotonic_ns()}@example.com"
        turns = itertools.cycle(self.nodes[:2] if number < 2 else self.nodes)
        try:
            register(self.nodes[0], email)
            work(email, lambda: next(turns))
        except Exception as error:  # noqa: BLE001 - shown by the test
            self.refused.append(repr(error))

    def ask(self, node, what, *arguments):
        """Asks until there is an answer: 503 says that nothing is wrong with the request."""
        while True:
            answer = node().ask(*arguments)
            if answer.status != 503:
                break
        self.used += 1
        self.begun.add(threading.current_thread())
        if answer.status != 200:
            self.refused.append(f"{what}: {answer.status} {answer.text}")
        return answer

    def passport(self, email, node):
        credentials = {"email": email, "password": PASSWORD}
        keys, until = cached_jwks(node())
        tokens = node().ask("POST", "/api/v1/login", credentials).json["data"]
        while not self.stopped.is_set():
            answer = self.ask(node, "refresh", "POST", "/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
            tokens = answer.json["data"]
            if time.monotonic() > until:
                keys, until = cached_jwks(node())
            kid = jwt.get_unverified_header(tokens["access_token"])["kid"]
            if kid in keys:
                jwt.decode(tokens["access_token"], keys[kid], algorithms=["RS256"], options={"verify_aud": False})
            else:
                self.unknown += 1

    # Its tokens have no key id.
    def spring(self, email, node):
        while not self.stopped.is_set():
            answer = self.ask(node, "login", "POST", "/api/login", {"email": email, "password": PASSWORD})
            for _ in range(3):
                self.ask(node, "hey", "GET", "/api/user/hey", None, bearer(answer.json["token"]))

    # Its refresh tokens are JWTs, and a refresh takes the access token, too. No key ids.
    def portal(self, email, node):
        answer = self.ask(node, "portal", "POST", "/api/v1/auth/login", {"user": email, "password": PASSWORD})
        while not self.stopped.is_set():
            tokens = answer.json["result"]
            answer = self.ask(node, "portal", "POST", "/api/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]},
                              bearer(tokens["access_token"]))

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        support.until(lambda: self.refused or len(self.begun) == len(self.threads))
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join()


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres("fsync = off")
        cls.postgres.start()
        cls.address = cls.postgres.database("myna")
        # Nothing is shared but the database and the key-encryption key.
        cls.nodes = [support.Server(https=False, **settings(cls.address)) for _ in range(3)]
        starts = [threading.Thread(target=node.start) for node in cls.nodes]
        for start in starts:
            start.start()
        for start in starts:
            start.join()

    @classmethod
    def tearDownClass(cls):
        for node in cls.nodes:
            node.stop()
        cls.postgres.stop()

    def key(self, *arguments, **more):
        return support.run("key", *arguments, **settings(self.address), **more).stdout

    def signing(self, dialect, use="access"):
        rows = [line.split() for line in self.key("list").splitlines()]
        return [row[-1] for row in rows if row[:2] == [dialect, use] and row[3] == "signs"]

    # MN-03
    def test_nodes_that_start_at_once_have_the_same_keys(self):
        self.assertEqual(len({node.ask("GET", "/.well-known/jwks.json").text for node in self.nodes}), 1)
        rows = int(self.postgres.sql("SELECT count(*) FROM sealed_key", "myna"))
        self.assertEqual(rows, 1 + len(self.key("list").splitlines()) - 1)
        for node in self.nodes:
            self.assertFalse((node.data / "keys").exists())
            self.assertNotIn(KEY, node.log())

    # MN-03, F18: a planned rotation under load, while one node is frozen for longer than the lead.
    def test_a_rotation_refuses_nobody(self):
        old = self.signing("passport")
        with Clients(self.nodes) as clients:
            begun = time.monotonic()
            said = [self.key("rotate", "--dialect", "passport"), self.key("rotate")]
            self.assertIn("it signs from", said[0])
            signing = self.signing("passport")
            # On a machine that is very busy its time may have come.
            if time.monotonic() - begun < LEAD:
                self.assertEqual(signing, old, "not yet")
                self.assertIn("waits already", said[1])
            frozen = self.nodes[2].process.pid
            os.kill(frozen, signal.SIGSTOP)
            try:
                time.sleep(LEAD + 1)
            finally:
                os.kill(frozen, signal.SIGCONT)
            new = self.signing("passport")
            self.assertTrue(new and new != old)
            used = clients.used
            self.assertTrue(support.until(lambda: clients.used > used + 100))
        self.assertEqual(clients.refused, [])
        self.assertEqual(clients.unknown, 0, "tokens whose key the JWKS did not have when a cache could")
        print(f"        {clients.used} answers around a rotation of every key, none refused")
        token = self.nodes[2].ask("POST", "/api/v1/login", self.user()).json["data"]["access_token"]
        self.assertEqual(jwt.get_unverified_header(token)["kid"], new[0])

    def user(self):
        email = f"ada{time.monotonic_ns()}@example.com"
        register(self.nodes[0], email)
        return {"email": email, "password": PASSWORD}

    # KY-03: a stolen key. The new one signs at once, every node takes its tokens at once, and the old one is refused
    # everywhere soon; a node that was dead comes back with what holds now.
    def test_a_stolen_key_is_gone_within_a_poll(self):
        user, old = self.user(), self.signing("spring")[0]
        before = self.nodes[0].ask("POST", "/api/login", user).json["token"]
        self.nodes[1].kill()
        self.addCleanup(lambda: self.nodes[1].process.poll() is None or self.nodes[1].start())
        self.key("rotate", "--dialect", "spring", "--at-once")
        self.assertIn("may be good until", support.run("key", "remove", old, status=1, **settings(self.address)).stderr)
        with Clients([self.nodes[0], self.nodes[2]]) as clients:
            self.assertTrue(support.until(lambda: clients.used > 50))
        self.assertEqual(clients.refused, [])
        for node in (self.nodes[0], self.nodes[2]):
            self.assertEqual(node.ask("GET", "/api/user/hey", headers=bearer(before)).status, 200)
        self.key("remove", old, "--force")
        removed = time.monotonic()
        hey = lambda node, token: node.ask("GET", "/api/user/hey", headers=bearer(token)).status  # noqa: E731
        refuse = lambda: {hey(self.nodes[0], before), hey(self.nodes[2], before)} == {403}  # noqa: E731
        self.assertTrue(support.until(refuse))
        print(f"        a removed key was refused everywhere after {time.monotonic() - removed:.1f} s")
        self.nodes[1].start()
        self.assertEqual(hey(self.nodes[1], before), 403)
        after = self.nodes[1].ask("POST", "/api/login", user).json["token"]
        self.assertEqual({hey(node, after) for node in self.nodes}, {200})
        refused = support.run("key", "remove", self.signing("spring")[0], "--force", status=1, **settings(self.address))
        self.assertIn("key rotate", refused.stderr)

    # MN-03, JT-05: with and without a key id.
    def test_a_node_that_has_not_looked_finds_a_key_by_its_first_token(self):
        rare = {**settings(self.address), "MYNA_KEYS_POLL": "30s", "MYNA_KEYS_LEAD": "60s"}
        with support.Server(https=False, **rare) as node:
            user, old = self.user(), self.signing("passport")
            self.key("rotate", "--at-once")
            login = lambda: self.nodes[0].ask("POST", "/api/v1/login", user).json["data"]  # noqa: E731
            kid = lambda tokens: [jwt.get_unverified_header(tokens["access_token"])["kid"]]  # noqa: E731
            self.assertTrue(support.until(lambda: kid(login()) != old))
            spring = self.nodes[0].ask("POST", "/api/login", user).json["token"]
            self.assertEqual(node.ask("GET", "/api/user/hey", headers=bearer(spring)).status, 200)
            tokens = login()
            out = node.ask("POST", "/api/v1/logout", {"token": tokens["refresh_token"]}, bearer(tokens["access_token"]))
            self.assertEqual(out.status, 200, out.text)

    def test_the_key_encryption_key_is_changed(self):
        both = settings(self.address, f"{OTHER},{KEY}")
        user = self.user()
        tokens = self.nodes[1].ask("POST", "/api/v1/login", user).json["data"]
        for node in self.nodes:
            node.stop()
            node.variables = both
            node.start()
        self.assertIn("encrypted with", support.run("key", "reencrypt", **both).stdout)
        self.nodes[2].stop()
        self.nodes[2].variables = settings(self.address, OTHER)
        self.nodes[2].start()
        answer = self.nodes[2].ask("POST", "/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
        self.assertEqual(answer.status, 200, answer.text)
        # And back, for the other tests.
        support.run("key", "reencrypt", **settings(self.address, f"{KEY},{OTHER}"))
        self.nodes[2].stop()
        self.nodes[2].variables = both
        self.nodes[2].start()


class Places(unittest.TestCase):
    """What cannot be read is said in one line, status 1, and nothing is made in its place."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres("fsync = off")
        cls.postgres.start()

    @classmethod
    def tearDownClass(cls):
        cls.postgres.stop()

    def refused(self, data, variables, *parts):
        for command in (("key", "list"), ("serve", "--http", "127.0.0.1:0")):
            done = support.run(*command, "--data", data, status=1, **variables)
            said = [line for line in done.stderr.splitlines() if line.startswith("myna: ")]
            self.assertEqual(len(said), 1, done.stderr)
            for part in parts:
                self.assertIn(part, said[0])
            self.assertNotIn(KEY, done.stderr)
            self.assertNotIn(OTHER, done.stderr)

    def test_keys_move_into_the_database_and_nobody_is_logged_out(self):
        address = self.postgres.database("moving")
        folder, encrypted = settings(address, None), settings(address)
        with support.Server(https=False, **folder) as node:
            tokens = register(node, "ada@example.com")
            self.refused_to_start(node.data, encrypted, "myna key move --to database")
            said = support.run("key", "move", "--to", "database", "--data", node.data, **encrypted).stdout
            self.assertIn("moved the root key and", said)
            # It goes on with its folder while it runs; it does not start again.
            answer = node.ask("POST", "/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
            self.assertEqual(answer.status, 200, answer.text)
            data, tokens = node.data, answer.json["data"]
        self.refused(data, folder, "key_encryption_key")
        # Another node, with nothing but the key-encryption key.
        with support.Server(https=False, **encrypted) as node:
            answer = node.ask("POST", "/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
            self.assertEqual(answer.status, 200, answer.text)
            tokens = answer.json["data"]
        self.refused(data, settings(address, OTHER), "encrypted with the key-encryption key", "key_encryption_key")
        self.postgres.sql("UPDATE sealed_key SET sealed = overlay(sealed placing 'AAAAAAAA' from 40) "
                          "WHERE name = 'spring.access.1'", "moving")
        self.refused(data, encrypted, "`spring.access.1` in the database cannot be read", "backup")
        # The folder was left alone: its copy of the key mends the row.
        self.postgres.sql("DELETE FROM sealed_key", "moving")
        support.run("key", "move", "--to", "database", "--data", data, **encrypted)
        said = support.run("key", "move", "--to", "folder", "--data", support.folder() / "new", **encrypted).stdout
        self.assertIn("take `key_encryption_key` out", said)
        with support.Server(https=False, data=data, **folder) as node:
            answer = node.ask("POST", "/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
            self.assertEqual(answer.status, 200, answer.text)

    # With both engines, and from one to the other.
    def test_keys_in_the_database_go_with_a_copy(self):
        embedded = {"MYNA_KEY_ENCRYPTION_KEY": KEY}
        with support.Server(https=False, **embedded) as node:
            tokens = register(node, "ada@example.com")
            self.assertFalse((node.data / "keys").exists())
        address = self.postgres.database("copied")
        support.run("store", "copy", "--from", f"sqlite:{node.data}", "--to", address)
        self.refused(support.folder() / "data", settings(address, None), "key_encryption_key")
        with support.Server(https=False, **settings(address)) as node:
            answer = node.ask("POST", "/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
            self.assertEqual(answer.status, 200, answer.text)

    def refused_to_start(self, data, variables, part):
        done = support.run("serve", "--http", "127.0.0.1:0", "--data", data, status=1, **variables)
        self.assertIn(part, done.stderr)

    def test_a_key_encryption_key_that_cannot_be_one(self):
        address = self.postgres.database("unused")
        data = support.folder() / "data"
        for key, part in (("0" * 64, "everybody can guess"), (KEY[1:], "64 hexadecimal digits")):
            done = support.run("key", "list", "--data", data, status=1, **settings(address, key))
            self.assertIn(part, done.stderr)
            self.assertNotIn(key, done.stderr)
        path = support.folder() / "kek"
        path.write_text(KEY + "\n")
        path.chmod(0o644)
        done = support.run("key", "list", "--data", data, status=1, MYNA_KEY_ENCRYPTION_KEY_FILE=str(path),
                           **settings(address, None))
        self.assertIn("chmod 600", done.stderr)
        path.chmod(0o600)
        with support.Server(https=False, data=data, MYNA_KEY_ENCRYPTION_KEY_FILE=str(path),
                            **settings(address, None)) as node:
            self.assertEqual(node.ask("GET", "/readyz").status, 200)
        self.refused(data, settings(address, None), "key_encryption_key")


if __name__ == "__main__":
    unittest.main()
