"""`myna session`: what an operator sees of sessions, and their ends, while the server runs."""

import json
import sqlite3
import unittest

import support
from support import run

PASSWORD = support.CANARY


class Session(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(https=False).start()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def session(self, *arguments, **more):
        return run("session", *arguments, "--data", self.server.data, **more)

    def listed(self, *arguments):
        return [json.loads(line) for line in self.session("list", "--json", *arguments).stdout.splitlines()]

    def user(self, email):
        self.server.add_user(email, PASSWORD)
        return json.loads(run("user", "show", email, "--data", self.server.data).stdout)["id"]

    def login(self, email, agent="agent/1"):
        answer = self.server.ask(
            "POST", "/api/v1/login", {"email": email, "password": PASSWORD}, {"User-Agent": agent}
        )
        self.assertEqual(answer.status, 200)
        return answer.json["data"]

    def refresh(self, tokens):
        answer = self.server.ask("POST", "/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
        return answer.status, answer.json["data"]

    def logout(self, tokens):
        body, headers = {"token": tokens["refresh_token"]}, support.bearer(tokens["access_token"])
        return self.server.ask("POST", "/api/v1/logout", body, headers).status

    def test_what_is_seen(self):
        email = "seen@example.com"
        user = self.user(email)
        tokens = self.login(email, "First/1.0 (größer)".encode().decode("latin-1"))
        answer = self.server.ask("POST", "/api/v1/auth/login", {"user": email, "password": PASSWORD})
        self.assertEqual(answer.json["code"], 0)
        first, second = sorted(self.listed(email), key=lambda one: one["dialect"])
        self.assertEqual([first["dialect"], second["dialect"]], ["passport", "portal"])
        for one in (first, second):
            self.assertRegex(one["id"], "^[0-9a-f]{32}$")
            self.assertEqual(one["user"], {"id": user, "email": email, "username": None})
            self.assertEqual((one["address"], one["state"], one["ended_at"]), ("127.0.0.1", "live", None))
        # The last used comes first.
        self.assertEqual(self.refresh(tokens)[0], 200)
        self.assertEqual(self.listed(email)[0] | {"used_at": None, "rotated_at": None}, first | {
            "generation": 1, "used_at": None, "rotated_at": None,
            "idle_expires_at": self.listed(email)[0]["idle_expires_at"],
        })
        self.assertEqual([one["id"] for one in self.listed(email, "--dialect", "portal")], [second["id"]])
        # For people: the same, on lines that a beginning of an id leads on from.
        lines = self.session("list", email).stdout.splitlines()
        self.assertEqual(lines[0].split()[:3], ["ID", "USER", "DIALECT"])
        self.assertEqual({line.split()[0] for line in lines[1:]}, {one["id"][:12] for one in (first, second)})
        page = self.session("show", first["id"][:12].upper()).stdout
        for expected in (first["id"], email, "passport", "127.0.0.1", "1 refreshes", "state      live"):
            self.assertIn(expected, page)
        shown = json.loads(self.session("show", first["id"], "--json").stdout)
        self.assertEqual(shown, self.listed(email, "--dialect", "passport")[0])
        # RF-06: nothing that makes a token.
        self.assertNotIn("salt", shown)

    def test_one_is_ended(self):  # RF-14
        email = "one@example.com"
        self.user(email)
        kept = self.login(email)
        (other,) = self.listed(email)
        ended = self.login(email)
        (mine,) = [one for one in self.listed(email) if one["id"] != other["id"]]
        done = self.session("end", mine["id"])
        self.assertEqual(done.stdout, "ended 1 session\n")
        self.assertEqual(self.refresh(ended)[0], 401)
        self.assertEqual(self.logout(ended), 401)
        status, kept = self.refresh(kept)
        self.assertEqual(status, 200)
        self.assertEqual([one["id"] for one in self.listed(email)], [other["id"]])
        # Ended it is known for a while, with its cause; ending it again is no fault and ends nothing.
        self.assertIn("ended before (operator)", self.session("end", mine["id"][:8], other["id"]).stdout)
        self.assertEqual(self.refresh(kept)[0], 401)
        self.assertEqual({one["end_cause"] for one in self.listed(email, "--ended")}, {"operator"})
        self.assertEqual(self.listed(email), [])
        self.assertIn("an operator ended it", self.session("show", mine["id"]).stdout)

    def test_every_cause_is_told(self):
        email = "causes@example.com"
        self.user(email)
        self.assertEqual(self.logout(self.login(email)), 200)
        old = self.login(email)
        _, new = self.refresh(old)
        _, newer = self.refresh(new)
        self.assertEqual(self.refresh(old)[0], 401)
        self.assertEqual(self.refresh(newer)[0], 401)
        self.assertEqual({one["end_cause"] for one in self.listed(email, "--ended")}, {"logout", "reuse"})
        self.assertIn("reuse", self.session("list", "--ended", email).stdout)

    def test_of_one_user(self):
        ours, theirs = "ours@example.com", "theirs@example.com"
        self.user(ours)
        self.user(theirs)
        tokens, bystander = self.login(ours), self.login(theirs)
        answer = self.server.ask("POST", "/api/v1/auth/login", {"user": ours, "password": PASSWORD})
        self.assertEqual(answer.json["code"], 0)
        self.assertEqual(self.session("end", "--user", ours, "--device", "none").stdout, "ended 0 sessions\n")
        self.assertEqual(self.session("end", "--user", ours, "--dialect", "portal").stdout, "ended 1 session\n")
        status, tokens = self.refresh(tokens)
        self.assertEqual(status, 200)
        self.assertEqual(self.session("end", "--user", ours).stdout, "ended 1 session\n")
        self.assertEqual(self.refresh(tokens)[0], 401)
        self.assertEqual(self.refresh(bystander)[0], 200)

    def test_what_cannot_be(self):
        table = [
            (("show", "abc"), 1, "32 hexadecimal digits"),
            (("show", "../../etc"), 1, "32 hexadecimal digits"),
            (("show", "0" * 32), 1, "there is no session"),
            (("end", "0" * 32), 1, "there is no session"),
            (("list", "nobody@example.com"), 1, "nobody@example.com"),
            (("end", "--user", "nobody@example.com"), 1, "nobody@example.com"),
            (("end",), 2, "--everyone"),
            (("end", "0" * 32, "--everyone"), 2, "--everyone"),
            (("end", "0" * 32, "--device", "phone"), 2, "--device"),
            (("end", "--device", "phone"), 2, "--user"),
        ]
        for arguments, status, expected in table:
            with self.subTest(arguments):
                self.assertIn(expected, self.session(*arguments, status=status).stderr)

    def test_several_that_begin_alike(self):
        email = "alike@example.com"
        user = self.user(email)
        self.login(email)
        # Two handles of one beginning do not happen by chance; here they are written by hand.
        with sqlite3.connect(self.server.data / "myna.db", timeout=10) as database:
            # Python's SQLite may be older than the function that the schema checks with.
            octets = lambda value: None if value is None else len(value)
            database.create_function("octet_length", 1, octets, deterministic=True)
            columns = [row[1] for row in database.execute("PRAGMA table_info(session)")]
            others = ", ".join(column for column in columns if column != "handle")
            for number in (1, 2):
                database.execute(
                    f"INSERT INTO session (handle, {others}) SELECT ?, {others} FROM session WHERE user_id = ? LIMIT 1",
                    (bytes.fromhex("abcdef") + bytes(12) + bytes([number]), user),
                )
        self.assertIn("several sessions", self.session("show", "abcdef", status=1).stderr)
        self.assertIn("several sessions", self.session("end", "abcdef", status=1).stderr)
        self.assertEqual(len(self.listed(email)), 3)
        self.assertIn(email, self.session("show", "abcdef" + "0" * 25 + "2").stdout)


class Everyone(unittest.TestCase):
    def test_everybody_is_signed_out(self):
        with support.Server(https=False) as server:
            data = ("--data", server.data)
            tokens = []
            for number in range(3):
                email = f"user-{number}@example.com"
                server.add_user(email, PASSWORD)
                answer = server.ask("POST", "/api/v1/login", {"email": email, "password": PASSWORD})
                tokens.append(answer.json["data"]["refresh_token"])

            def refreshed():
                answers = [
                    server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token}) for token in tokens
                ]
                tokens[:] = [
                    answer.json["data"]["refresh_token"] if answer.status == 200 else token
                    for answer, token in zip(answers, tokens)
                ]
                return {answer.status for answer in answers}

            refused = run("session", "end", "--everyone", *data, stdin="n\n", status=1)
            self.assertIn("no session was ended", refused.stderr)
            self.assertEqual(refreshed(), {200})
            self.assertEqual(run("session", "end", "--everyone", "--yes", *data).stdout, "ended 3 sessions\n")
            self.assertEqual(refreshed(), {401})
            self.assertEqual(run("session", "list", "--json", *data).stdout, "")


if __name__ == "__main__":
    unittest.main()
