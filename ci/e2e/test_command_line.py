"""The command line, as an operator meets it: what it says when something is wrong, and that its changes take effect
while the server runs.
"""

import contextlib
import http.server
import json
import os
import re
import socket
import stat
import subprocess
import threading
import tomllib
import unittest

import support
from support import run

DIALECTS = ("gateway", "ktor", "passport", "portal", "spring")


class Patroni(http.server.ThreadingHTTPServer):
    """Says one thing to everybody; `None`: says nothing."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address, answer):
        self.asked, self.answer, self.closed = [], answer, threading.Event()
        super().__init__(address, self.Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.closed.set()
        self.shutdown()
        self.server_close()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            if self.server.answer is None:
                self.server.closed.wait(60)
                return
            body = self.server.answer.encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(body)

        def log_message(self, *_):
            pass


class Start(unittest.TestCase):
    def test_a_taken_port_is_named_with_its_flag(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = "127.0.0.1:%d" % taken.getsockname()[1]
            free = f"127.0.0.1:{support.free_port()}"
            table = [
                (("serve", "--http", address), "--http"),
                (("demo", "--http", address, "--https", free), "--http"),
                (("demo", "--http", free, "--https", address), "--https"),
            ]
            for arguments, flag in table:
                with self.subTest(arguments):
                    error = run(*arguments, status=1).stderr
                    self.assertIn(address, error)
                    self.assertRegex(error, rf"{flag}(?!\w)")

    def test_serve_makes_no_users(self):
        with support.Server(https=False) as server:
            listed = run("user", "list", "--json", "--data", server.data).stdout
            self.assertEqual(listed, "")
            answer = server.ask("POST", "/api/login", {"email": "foo@gmail.com", "password": "foo"})
            self.assertEqual(answer.status, 401)

    def test_the_data_folder_is_private(self):  # KY-04
        with support.Server() as server:
            server.add_user("ada@example.com", "password of ada")
            self.assertEqual(stat.S_IMODE(server.data.stat().st_mode), 0o700)
            for path in server.data.rglob("*"):
                mode = stat.S_IMODE(path.stat().st_mode)
                if path != server.certificate:
                    with self.subTest(path.name):
                        self.assertEqual(mode, 0o700 if path.is_dir() else 0o600)

    def test_two_servers_on_one_folder(self):
        # SQLite keeps their writes apart: none may damage what the other did.
        with support.Server(https=False) as first:
            first.add_user("ada@example.com", "password of ada")
            with support.Server(https=False, data=first.data) as second:
                body = {"email": "ada@example.com", "password": "password of ada"}
                for server, other in ((first, second), (second, first)):
                    token = server.ask("POST", "/api/v1/login", body).json["data"]["refresh_token"]
                    answer = other.ask("POST", "/api/v1/token/refresh", {"refresh_token": token})
                    self.assertEqual(answer.status, 200)

    def test_an_unknown_variable_is_refused(self):
        done = run("check", status=1, MYNA_HTTP_LISTN="127.0.0.1:1")
        self.assertIn("MYNA_HTTP_LISTN", done.stderr)
        self.assertIn("MYNA_HTTP_LISTEN", done.stderr)

    def test_a_variable_and_a_secret_file_hold(self):
        folder = support.folder()
        (folder / "secret").write_text("hidden word\n")
        settings = {
            "MYNA_SMTP_HOST": "mail.example.com", "MYNA_SMTP_FROM": "a@example.com", "MYNA_SMTP_USER": "myna",
            "MYNA_SMTP_PASSWORD_FILE": str(folder / "secret"), "MYNA_RESET_LINK_BASE": "https://app.example.com/reset",
        }
        run("check", **settings)
        done = run("check", status=1, **settings | {"MYNA_SMTP_PASSWORD": "hidden word"})
        self.assertNotIn("hidden word", done.stderr)


class Check(unittest.TestCase):
    def test_init_writes_what_check_takes(self):
        folder = support.folder()
        run("init", cwd=folder)
        file = folder / "myna.toml"
        self.assertEqual(stat.S_IMODE(file.stat().st_mode), 0o600)
        self.assertIn("no faults", run("check", cwd=folder).stdout)
        # The second time it would overwrite what the operator wrote.
        self.assertIn("--force", run("init", cwd=folder, status=1).stderr)
        self.assertEqual(run("init", "-").stdout, file.read_text())

    # MN-06
    def test_a_patroni_that_loses_changes_is_warned_of(self):
        def checked(answer):
            # Patroni has one port: an address of the loopback network that nobody else has.
            host = "127.{}.{}.{}".format(*os.urandom(3))
            with contextlib.closing(Patroni((host, 8008), answer)) as patroni:
                done = run("check", MYNA_DATABASE=f"postgres://ada:{support.CANARY}@{host}:1,127.0.0.1:1/myna")
            self.assertNotIn(support.CANARY, done.stdout + done.stderr)
            self.assertEqual(patroni.asked, ["/patroni"])
            return done.stderr.replace(host, "HOST")

        def of(version):
            return json.dumps({"state": "running", "patroni": {"version": version, "scope": "myna", "name": "a"}})

        warning = checked(of("3.0.2"))
        self.assertEqual(len(warning.splitlines()), 1, warning)
        for part in ("warning", "Patroni 3.0.2 on HOST", "3.0.4"):
            self.assertIn(part, warning)
        # What is good, and what is no Patroni, is nothing to talk about.
        for answer in (of("3.0.4"), of("4.1.5"), of("\x1b[31m0.0.0"), "[]", "{", "x" * 100_000, '{"patroni": {"version": 3}}', None):
            with self.subTest(answer and answer[:60]):
                self.assertEqual(checked(answer), "")
        error = run("check", status=1, MYNA_DATABASE="postgres://ada@db").stderr
        self.assertIn("no database", error)

    def test_a_typo_in_the_configuration(self):
        folder = support.folder()
        (folder / "myna.toml").write_text('[http]\nlisten = ["127.0.0.1:8080"]\nbody_limt = "1MiB"\nidle_timeout = 5\n')
        error = run("check", cwd=folder, status=1).stderr
        for expected in ("myna.toml:3:1", "myna.toml:4:", "^^^^^^^^^", "did you mean `http.body_limit`?", "2 faults"):
            self.assertIn(expected, error)
        # The same faults keep the server from starting.
        self.assertIn("did you mean `http.body_limit`?", run("serve", cwd=folder, status=1).stderr)

    def test_a_typo_in_a_dialect(self):
        folder = support.folder()
        file = folder / "dialects" / "spring" / "dialect.toml"
        file.parent.mkdir(parents=True)
        text = run("dialect", "show", "spring").stdout
        wrong = text.replace('"{access.token}"', '"{acces.token}"')
        wrong = wrong.replace('operation = "userinfo"', 'operaton = "userinfo"')
        file.write_text(wrong)
        (folder / "myna.toml").write_text('[dialects]\nfolder = "./dialects"\n')

        def place(part):
            line = next(number for number, line in enumerate(wrong.splitlines(), 1) if part in line)
            return f"dialect.toml:{line}:"

        address = f"127.0.0.1:{support.free_port()}"
        for command in (("dialect", "check", file), ("check",), ("serve", "--http", address)):
            with self.subTest(command):
                error = run(*command, cwd=folder, status=1).stderr
                for expected in (
                    place("{acces.token}"), place("operaton"), "^", "did you mean `{access.token}`?",
                    "did you mean `operation`?",
                ):
                    self.assertIn(expected, error)
        file.write_text(text)
        run("check", cwd=folder)

    def test_a_route_that_two_dialects_take(self):
        folder = support.folder()
        file = folder / "mine" / "other" / "dialect.toml"
        file.parent.mkdir(parents=True)
        text = run("dialect", "show", "spring").stdout
        file.write_text(text.replace('dialect = "spring"', 'dialect = "other"'))
        (folder / "myna.toml").write_text('[dialects]\nfolder = "./mine"\nenabled = ["spring", "other"]\n')
        error = run("check", cwd=folder, status=1).stderr
        for expected in ("spring", "other", "/api/login"):
            self.assertIn(expected, error)

    def test_a_dialect_of_ones_own_is_served(self):
        folder = support.folder()
        file = folder / "mine" / "shop" / "dialect.toml"
        file.parent.mkdir(parents=True)
        text = run("dialect", "show", "spring").stdout.replace('dialect = "spring"', 'dialect = "shop"')
        file.write_text(text.replace("/api/", "/shop/"))
        config = f'[dialects]\nfolder = "{folder}/mine"\nenabled = ["shop", "ktor"]\n'
        with support.Server(https=False, config=config) as server:
            server.add_user("ada@example.com", "password of ada", "--config", server.config)
            body = {"email": "ada@example.com", "password": "password of ada"}
            self.assertEqual(server.ask("POST", "/shop/login", body).status, 200)
            self.assertEqual(server.ask("POST", "/api/login", body).status, 404)


class Dialect(unittest.TestCase):
    def test_cases_of_every_built_in_dialect(self):
        listed = run("dialect", "list").stdout
        for name in DIALECTS:
            self.assertRegex(listed, rf"(?m)^{name} — ")
        done = run("dialect", "test", timeout=120, status=None)
        last = done.stdout.splitlines()[-1] if done.stdout else ""
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(last, r"^[1-9]\d+ cases passed, 0 failed$")
        for name in DIALECTS:
            self.assertIn(f"{name}/cases/", done.stdout)

    def test_a_case_that_does_not_hold(self):
        folder = support.folder() / "spring"
        (folder / "cases").mkdir(parents=True)
        (folder / "dialect.toml").write_text(run("dialect", "show", "spring").stdout)
        (folder / "cases" / "wrong.case").write_text("# Wrong\n\n> GET /api/user/hey\n\n< 200\n")
        done = run("dialect", "test", folder, status=1)
        self.assertIn("wrong.case", done.stdout)
        self.assertIn("0 cases passed, 1 failed", done.stdout)
        self.assertIn("401", done.stdout)

    def test_against_a_running_server(self):
        with support.Server("demo") as server:
            url = f"http://127.0.0.1:{server.port}"
            done = run("dialect", "test", "gateway", "--only", "login.case", "--against", url)
            self.assertRegex(done.stdout, r"(?m)^[1-9]\d* cases? passed, 0 failed$")
        done = run("dialect", "test", "gateway", "--only", "login.case", "--against", url, status=1)
        self.assertIn("refused", done.stderr + done.stdout)

    def test_a_dialect_that_is_not_there(self):
        error = run("dialect", "show", "sprung", status=1).stderr
        self.assertIn("spring", error)


class User(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = support.Server(https=False).start()

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop() == 0

    def user(self, *arguments, **more):
        return run("user", *arguments, "--data", self.server.data, **more)

    def show(self, name):
        return support.json.loads(self.user("show", name).stdout)

    def login(self, email, password):
        return self.server.ask("POST", "/api/v1/login", {"email": email, "password": password})

    def refresh(self, token):
        return self.server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token}).status

    def test_life(self):
        email, password = "ada@example.com", support.CANARY
        done = self.user(
            "add", "--email", email, "--username", "ada", "--first-name", "Ada", "--role", "editor=READ,WRITE",
            "--attributes", '{"team": "blue"}', "--password-stdin", stdin=password + "\n",
        )
        self.assertIn(email, done.stdout)
        shown = self.show("ada")
        self.assertEqual(
            (shown["email"], shown["first_name"], shown["status"], shown["attributes"], shown["password_format"]),
            (email, "Ada", "active", {"team": "blue"}, "argon2id"),
        )
        self.assertEqual(shown["roles"][0]["permissions"], ["READ", "WRITE"])
        self.assertNotIn("$argon2", support.json.dumps(shown))
        self.assertEqual(self.login(email, password).status, 200)
        # The server sees what another process changes, and what the server changes is seen here.
        answer = self.server.ask("POST", "/api/login", {"email": email, "password": password})
        self.assertEqual(answer.json["user"]["role"]["applicationRole"], ["READ", "WRITE"])
        self.user("set", "ada", "--first-name", "Augusta", "--role", "reader=READ", "--must-change-password")
        answer = self.server.ask("POST", "/api/login", {"email": email, "password": password})
        self.assertEqual(answer.json["user"]["firstName"], "Augusta")
        self.assertEqual(answer.json["user"]["role"]["name"], "reader")
        answer = self.server.ask("POST", "/api/v1/auth/login", {"user": "ada", "password": password})
        self.assertEqual(answer.json["redirect"], "pw/reset")
        self.assertIn("Augusta", support.json.dumps(self.show(email)))
        self.assertRegex(self.user("list").stdout, rf"(?m)^ +{shown['id']}  {email} +ada +active +reader$")

    def test_the_ends(self):  # LG-11
        email, password = "grace@example.com", support.CANARY
        self.user("add", "--email", email, "--password-stdin", stdin=password)
        old = self.show(email)["id"]
        token = self.login(email, password).json["data"]["refresh_token"]
        self.user("disable", email)
        self.assertEqual(self.login(email, password).status, 401)
        self.assertEqual(self.refresh(token), 401)
        self.user("enable", email)
        self.assertEqual(self.refresh(token), 401)
        token = self.login(email, password).json["data"]["refresh_token"]
        self.user("delete", email, stdin="n\n", status=1)
        self.assertEqual(self.refresh(token), 200)
        self.user("delete", email, "--yes")
        self.assertEqual(self.refresh(token), 401)
        self.assertEqual(self.login(email, password).status, 401)
        self.assertIn(email, self.user("show", email, status=1).stderr)
        self.user("add", "--email", email, "--password-stdin", stdin=password)
        self.assertGreater(self.show(email)["id"], old)
        self.assertIn("given out", self.user("add", "--username", "x", "--id", old, "--no-password", status=1).stderr)

    def test_a_new_password_ends_every_session(self):  # RF-09
        email = "joan@example.com"
        self.user("add", "--email", email, "--password-stdin", stdin=support.CANARY)
        token = self.login(email, support.CANARY).json["data"]["refresh_token"]
        self.user("set", email, "--password-stdin", stdin=f"{support.CANARY}!")
        self.assertEqual(self.refresh(token), 401)
        self.assertEqual(self.login(email, support.CANARY).status, 401)
        self.assertEqual(self.login(email, f"{support.CANARY}!").status, 200)

    def test_hashes_of_other_systems(self):
        vectors = tomllib.loads((support.ROOT / "crates/passwords/vectors/bcrypt.toml").read_text())["vector"]
        password = "correct horse battery staple"
        hashes = [vector["stored"] for vector in vectors if vector["password"] == password]
        self.assertEqual({each[:4] for each in hashes}, {"$2a$", "$2b$", "$2y$"})
        for number, each in enumerate(hashes):
            with self.subTest(each):
                email = f"bcrypt-{number}@example.com"
                self.user("add", "--email", email, "--password-hash", each)
                self.assertEqual(self.show(email)["password_format"], "bcrypt")
                self.assertEqual(self.login(email, "wrong").status, 401)
                self.assertEqual(self.login(email, password).status, 200)
                self.assertEqual(self.show(email)["password_format"], "argon2id")
                self.assertEqual(self.login(email, password).status, 200)
        self.user("add", "--email", "bad@example.com", "--password-hash", "$1$abc$def", status=1)

    def test_an_import_while_the_server_writes(self):
        email, password = "mary@example.com", support.CANARY
        self.server.add_user(email, password)
        token = self.login(email, password).json["data"]["refresh_token"]
        exported = [json.loads(line) for line in self.user("list", "--json", "--with-password-hash").stdout.splitlines()]
        hashed = next(user["password_hash"] for user in exported if user["email"] == email)
        folder = support.folder()
        file = folder / "users.jsonl"
        file.write_text(run("user", "example", "--count", 30000, "--password-hash", hashed).stdout)
        # Ids are free from here on; the e-mails stay.
        lines = [json.loads(line) for line in file.read_text().splitlines()]
        file.write_text("".join(json.dumps(line | {"id": line["id"] + 1_000_000}) + "\n" for line in lines))
        arguments = [str(support.BINARY), "user", "import", str(file), "--data", str(self.server.data)]
        importing = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=support.environment(),
        )
        support.running.add(importing)
        refreshed = 0
        # Each refresh is a write of the server, and none is refused.
        while importing.poll() is None:
            answer = self.server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token})
            self.assertEqual(answer.status, 200, answer.body)
            token = answer.json["data"]["refresh_token"]
            refreshed += 1
        support.running.discard(importing)
        out, error = importing.communicate()
        self.assertEqual((importing.returncode, error), (0, ""))
        self.assertRegex(out, r"^imported 30000 users in ")
        self.assertGreater(refreshed, 5)
        self.assertEqual(self.login("user-4711@example.com", password).status, 200)
        again = self.user("import", file, "--on-conflict", "skip")
        self.assertIn("imported 0 users", again.stdout)
        self.assertIn("skipped 30000 users", again.stdout)
        self.assertEqual(len(again.stderr.splitlines()), 21)
        # From a pipe, and what another system calls a user.
        lines = [{"username": "from-a-pipe", "password_hash": hashed}, {"username": "nobody", "id": "x"}]
        piped = self.user("import", "-", stdin="\n".join(map(json.dumps, lines)), status=1)
        self.assertIn("imported 1 user ", piped.stdout)
        self.assertIn("line 2: `id` must be an integer", piped.stderr)
        self.assertEqual(self.show("from-a-pipe")["password_format"], "argon2id")

    def test_what_cannot_be(self):
        self.user("add", "--email", "taken@example.com", "--password-stdin", stdin=support.CANARY)
        table = [
            # RS-04, LG-10: one namespace, one canonical form.
            (("add", "--email", "TAKEN@example.com", "--no-password"), "", "taken@example.com"),
            (("add", "--username", "taken@example.com", "--no-password"), "", ""),
            (("add", "--email", "no address", "--no-password"), "", "mail"),
            (("add", "--email", "weak@example.com", "--password-stdin"), "password", "--allow-weak-password"),
            (("add", "--email", "none@example.com", "--password-stdin"), "", "no password"),
            (("show", "nobody@example.com"), "", "nobody@example.com"),
            (("add", "--email", "json@example.com", "--no-password", "--attributes", "[]"), "", "JSON object"),
        ]
        for arguments, stdin, expected in table:
            with self.subTest(arguments):
                self.assertIn(expected, self.user(*arguments, stdin=stdin, status=1).stderr)
        # Nowhere is a database made by a command that only reads.
        empty = support.folder() / "none"
        run("user", "list", "--data", empty, status=1)
        self.assertFalse(empty.exists())


class Key(unittest.TestCase):
    def test_list_shows_no_secret(self):
        with support.Server(https=False) as server:
            done = run("key", "list", "--data", server.data)
            for name in DIALECTS:
                self.assertRegex(done.stdout, rf"(?m)^{name} +access +(HS|RS)\d+ +signs ")
            for path in (server.data / "keys").glob("*"):
                stored = path.read_text()
                kid = json.loads(stored)["kid"] if path.suffix == ".json" else None
                for text in re.findall(r"[\w+/=-]{40,}", stored):
                    if text != kid:
                        self.assertNotIn(text, done.stdout)

    def test_imports_that_cannot_be(self):
        with support.Server(https=False) as server:
            secret = os.urandom(48).hex()
            table = [
                (("--dialect", "sprng"), "did you mean `spring`?"),
                (("--dialect", "passport"), "RS256"),
                (("--dialect", "spring", "--use", "refresh"), "refresh"),
            ]
            for arguments, expected in table:
                with self.subTest(arguments):
                    done = run("key", "import", "-", *arguments, "--data", server.data, stdin=secret, status=1)
                    self.assertIn(expected, done.stderr)
                    self.assertNotIn(secret, done.stderr)

    def test_an_imported_rsa_key_signs(self):
        from cryptography.hazmat.primitives.asymmetric import rsa
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        with support.Server(https=False) as server:
            pem = rsa.generate_private_key(65537, 2048).private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            ).decode()
            run("key", "import", "-", "--dialect", "passport", "--data", server.data, stdin=pem)
            count = lambda: len(server.ask("GET", "/.well-known/jwks.json").json["keys"])  # noqa: E731
            self.assertTrue(support.until(lambda: count() == 2))


class Completions(unittest.TestCase):
    def test_every_shell(self):
        for shell in ("bash", "zsh", "fish"):
            with self.subTest(shell):
                text = run("completions", shell).stdout
                self.assertIn("dialect", text)
                self.assertGreater(len(text), 1000)
        subprocess.run(["bash", "-n"], input=run("completions", "bash").stdout, text=True, check=True)

    def test_help_teaches(self):
        self.assertIn("Examples:", run("--help").stdout)
        for command in ("serve", "demo", "init", "check", "user", "session", "key", "dialect"):
            with self.subTest(command):
                self.assertIn("Usage:", run(command, "--help").stdout)
        self.assertIn("serve", run("serv", status=2).stderr)


class FullDisk(unittest.TestCase):
    """The data folder on a file system of a few MiB."""

    def setUp(self):
        self.folder = support.folder() / "small"
        self.folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=3m,mode=0700", "tmpfs", str(self.folder)]
        mounted = subprocess.run(command, capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest(f"cannot mount a tmpfs here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.folder)], check=True)

    def fill(self):
        ballast = self.folder / "ballast"
        with contextlib.suppress(OSError), open(ballast, "ab", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        return ballast

    def test_full_while_running(self):
        server = support.Server(https=False, data=self.folder / "data")
        server.start()
        try:
            server.add_user("ada@example.com", "password of ada")
            body = {"email": "ada@example.com", "password": "password of ada"}
            kept = server.ask("POST", "/api/v1/login", body).json["data"]
            ballast = self.fill()
            statuses = []
            # Space that SQLite has already may last for some logins.
            for _ in range(200):
                answer = server.ask("POST", "/api/v1/login", body)
                statuses.append(answer.status)
                self.assertIn(answer.status, (200, 500, 503), answer.body)
                self.assertEqual(list(answer.json), ["data", "message", "errors", "code"] if answer.status == 200
                                 else ["code", "data", "message", "errors"])
                if answer.status != 200:
                    # LO-06: in the dialect's shape, with a request id and no detail.
                    self.assertEqual(answer.json["data"], None)
                    self.assertTrue(answer.header("X-Request-Id"))
                    for detail in ("disk", "SQL", "sqlite", str(self.folder)):
                        self.assertNotIn(detail, answer.text)
                    break
            self.assertNotEqual(statuses[-1], 200, "the disk was never full")
            wrong = server.ask("POST", "/api/v1/login", body | {"password": "wrong"})
            self.assertEqual(wrong.status, 401)
            self.assertEqual(server.ask("GET", "/healthz").status, 200)
            self.assertRegex(server.log(), r"(?i)disk|full|space")
            # A user cannot be made either, and it is said why.
            done = run("user", "add", "--email", "b@example.com", "--no-password", "--data", server.data, status=1)
            self.assertRegex(done.stderr, r"(?i)full|space")
            ballast.unlink()
            self.assertTrue(support.until(lambda: server.ask("POST", "/api/v1/login", body).status == 200, 10))
            self.assertEqual(
                server.ask("POST", "/api/v1/token/refresh", {"refresh_token": kept["refresh_token"]}).status, 200
            )
        finally:
            self.assertEqual(server.stop(), 0)

    def test_full_at_the_start(self):
        self.fill()
        done = run(
            "serve", "--data", self.folder / "data", "--http", f"127.0.0.1:{support.free_port()}", status=1, timeout=20
        )
        self.assertRegex(done.stderr, r"(?i)full|space")


if __name__ == "__main__":
    unittest.main()
