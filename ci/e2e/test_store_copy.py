"""A store moves from SQLite to PostgreSQL and back: nobody is logged out, also when the copy is killed in the middle."""

import json
import resource
import secrets
import signal
import subprocess
import unittest

import support
from postgres import Postgres
from support import bearer

PASSWORD = support.CANARY


class Moving(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres().start()
        cls.numbers = iter(range(1, 1000))

    @classmethod
    def tearDownClass(cls):
        cls.postgres.stop()

    def copy(self, source, target, *more, status=0):
        return support.run("store", "copy", "--from", source, "--to", target, *more, status=status, timeout=120)

    def register(self, server):
        email = f"ada{next(self.numbers)}@example.com"
        answer = server.ask("POST", "/api/v1/register", {
            "name": "Ada", "email": email, "password": PASSWORD, "password_confirmation": PASSWORD,
        })
        self.assertEqual(answer.status, 200, answer.text)
        return email, answer.json["data"]

    def refresh(self, server, token):
        answer = server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token})
        self.assertEqual(answer.status, 200, answer.text)
        return answer.json["data"]

    def test_nobody_is_logged_out_on_the_way_and_back(self):
        data = support.folder() / "data"
        address = self.postgres.database("moved")
        server = support.Server(https=False, data=data).start()
        email, tokens = self.register(server)
        _, ended = self.register(server)
        out = server.ask("POST", "/api/v1/logout", {"token": ended["refresh_token"]}, bearer(ended["access_token"]))
        self.assertEqual(out.status, 200)

        # While the server runs: what changes meanwhile is found by the next run.
        first = self.copy(f"sqlite:{data}", address)
        tokens = self.refresh(server, tokens["refresh_token"])
        self.assertEqual(server.stop(), 0)
        again = self.copy(f"sqlite:{data}", address)
        self.assertIn("every row is the same", first.stdout)
        self.assertIn("wrote 1 row and removed 1", again.stdout)

        server = support.Server(https=False, data=data, MYNA_DATABASE=address).start()
        tokens = self.refresh(server, tokens["refresh_token"])
        gone = server.ask("POST", "/api/v1/token/refresh", {"refresh_token": ended["refresh_token"]})
        self.assertEqual(gone.status, 401)
        login = server.ask("POST", "/api/v1/login", {"email": email, "password": PASSWORD})
        self.assertEqual(login.status, 200)
        self.assertEqual(server.stop(), 0)

        # In use by now: never overwritten.
        refused = self.copy(f"sqlite:{data}", address, status=1)
        self.assertIn("never overwritten", refused.stderr)

        back = support.folder() / "back"
        self.copy(address, f"sqlite:{back}")
        (data / "keys").rename(back / "keys")
        server = support.Server(https=False, data=back).start()
        self.refresh(server, tokens["refresh_token"])
        self.assertEqual(server.stop(), 0)

    # MN-03: from one node with a folder to several without one.
    def test_keys_of_a_folder_move_in_after_the_copy(self):
        data = support.folder() / "data"
        server = support.Server(https=False, data=data).start()
        _, tokens = self.register(server)
        self.assertEqual(server.stop(), 0)
        address = self.postgres.database("several")
        self.copy(f"sqlite:{data}", address)
        target = {"MYNA_DATABASE": address, "MYNA_KEY_ENCRYPTION_KEY": secrets.token_hex(32)}
        support.run("key", "move", "--to", "database", "--data", data, **target)
        nodes = [support.Server(https=False, **target).start() for _ in range(2)]
        for node in nodes:
            tokens = self.refresh(node, tokens["refresh_token"])
        for node in nodes:
            self.assertEqual(node.stop(), 0)

    def test_a_store_that_is_kept_read_only_refuses_changes_and_is_read(self):
        data = support.folder() / "data"
        server = support.Server(https=False, data=data).start()
        email, tokens = self.register(server)
        signed_in = server.ask("POST", "/api/login", {"email": email, "password": PASSWORD})
        self.assertEqual(signed_in.status, 200, signed_in.text)
        access = bearer(signed_in.json["token"])
        keys = server.ask("GET", "/.well-known/jwks.json").body
        self.assertEqual(server.stop(), 0)

        server = support.Server(https=False, data=data, MYNA_READ_ONLY="true").start()
        ready = server.ask("GET", "/readyz")
        self.assertEqual((ready.status, ready.json), (200, {"status": "ready", "read_only": True}))
        self.assertEqual(server.ask("GET", "/api/user/hey", headers=access).status, 200)
        self.assertEqual(server.ask("GET", "/.well-known/jwks.json").body, keys)
        login = {"email": email, "password": PASSWORD}
        for path, body in [
            ("/api/v1/login", login),
            ("/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]}),
            ("/api/v1/register", {"name": "Bob", "email": "bob@example.com", "password": PASSWORD, "password_confirmation": PASSWORD}),
            ("/api/v1/password/email", {"email": email}),
        ]:
            answer = server.ask("POST", path, body)
            self.assertEqual((answer.status, answer.header("retry-after")), (503, "10"), path + answer.text)
            self.assertIn("message", answer.json, "in the dialect's shape")
        self.assertEqual(server.ask("POST", "/api/v1/login", {**login, "password": "wrong"}).status, 401)
        self.assertNotIn(" ERROR ", server.log())

        # Nothing of it has happened, and the copy of what is kept so is complete at once.
        address = self.postgres.database("kept")
        self.assertIn("every row is the same", self.copy(f"sqlite:{data}", address).stdout)
        self.assertEqual(server.stop(), 0)
        for command in [
            ("user", "add", "--email", "bob@example.com", "--no-password"),
            ("user", "disable", email),
            ("user", "import", "-"),
            ("session", "end", "--everyone", "--yes"),
        ]:
            done = support.run(*command, "--data", data, stdin='{"email":"c@example.com"}\n', status=1, MYNA_READ_ONLY="true")
            self.assertIn("the store is kept read-only", done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        listed = support.run("user", "list", "--data", data, MYNA_READ_ONLY="true")
        self.assertNotIn("bob@example.com", listed.stdout)

        server = support.Server(https=False, data=data, MYNA_DATABASE=address).start()
        self.assertEqual(server.ask("GET", "/api/user/hey", headers=access).status, 200)
        self.refresh(server, tokens["refresh_token"])
        self.assertEqual(server.stop(), 0)

    def crowd(self, count):
        data = support.folder() / "data"
        lines = "".join(json.dumps({"email": f"ada{number}@example.com"}) + "\n" for number in range(count))
        support.run("user", "import", "-", "--data", data, stdin=lines, timeout=120)
        return data

    def test_a_copy_that_is_killed_goes_on(self):
        data = self.crowd(15_000)
        address = self.postgres.database("killed")
        arguments = [support.BINARY, "store", "copy", "--from", f"sqlite:{data}", "--to", address]
        process = subprocess.Popen(arguments, env=support.environment(), stdout=subprocess.DEVNULL)
        try:
            has_rows = "SELECT count(*) FROM pg_class WHERE relname = 'used_user_id' AND pg_relation_size(oid) > 0"
            self.assertTrue(support.until(lambda: self.postgres.sql(has_rows, "killed") == "1"))
        finally:
            process.kill()
            process.wait()
        listed = support.run("user", "list", "--data", data, status=1, MYNA_DATABASE=address)
        self.assertIn("run `myna store copy` again", listed.stderr)
        looked = self.copy(f"sqlite:{data}", address, "--dry-run")
        self.assertIn("would go on copying 45001 rows", looked.stdout)
        done = self.copy(f"sqlite:{data}", address)
        self.assertIn("every row is the same", done.stdout)
        listed = support.run("user", "list", "--data", data, MYNA_DATABASE=address)
        self.assertEqual(len(listed.stdout.splitlines()), 15_001)

    def test_a_disk_that_is_full_loses_nothing(self):
        source, data = support.folder() / "full", self.crowd(2_000)

        def small():
            # A write beyond it fails instead of ending the process.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

        arguments = [support.BINARY, "store", "copy", "--from", f"sqlite:{data}", "--to", f"sqlite:{source}"]
        done = subprocess.run(arguments, env=support.environment(), capture_output=True, text=True, preexec_fn=small, timeout=60)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        self.assertIn("run the same command again", done.stderr)
        self.assertIn("every row is the same", self.copy(f"sqlite:{data}", f"sqlite:{source}").stdout)

    def test_bad_input_is_one_line(self):
        data = self.crowd(3)
        self.postgres.sql("CREATE ROLE weak LOGIN")
        self.postgres.database("strict")
        for source, target, part in [
            ("var/lib/myna", "sqlite:x", "sqlite:FOLDER"),
            (f"sqlite:{data}", f"sqlite:{data}/", "two places"),
            (f"sqlite:{data}/nowhere", f"sqlite:{data}/x", "the source: there is no database"),
            (f"sqlite:{data}", f"postgres://ada:{PASSWORD}@127.0.0.1:1/x", "the target: the database at 127.0.0.1:1"),
            (f"sqlite:{data}", self.postgres.address("nowhere"), "createdb"),
            (f"sqlite:{data}", f"@{data}/nothing", "cannot read"),
            (f"sqlite:{data}", self.postgres.address("strict", user="weak"), "GRANT"),
        ]:
            with self.subTest(part=part):
                done = self.copy(source, target, status=1)
                self.assertEqual((done.stdout, len(done.stderr.strip().splitlines())), ("", 1), done.stderr)
                self.assertIn(part, done.stderr)
                self.assertNotIn(PASSWORD, done.stderr)
        self.postgres.database("filed")
        address = support.folder() / "address"
        address.write_text(self.postgres.address("filed") + "\n")
        self.assertIn("every row is the same", self.copy(f"sqlite:{data}", f"@{address}").stdout)
