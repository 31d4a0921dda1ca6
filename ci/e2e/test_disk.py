"""A disk that is full, read-only, slow or broken: nobody is told of something that is not so, and it passes by itself.

`faults.c` breaks the calls of a running server; a small tmpfs is a disk that is really full, where this user may mount one.
"""

import contextlib
import http.client
import itertools
import pathlib
import random
import shutil
import sqlite3
import subprocess
import threading
import time
import unittest

import acknowledged
import support
from acknowledged import PASSWORD
from support import ask

CLIENTS = 4
HERE = pathlib.Path(__file__).resolve().parent
# Cheap hashes, as far as the settings go: this is about the disk.
CHEAP = {"MYNA_PASSWORD_MEMORY": "7MiB", "MYNA_PASSWORD_PASSES": "5"}
UNAVAILABLE = {
    "code": 503, "data": None, "message": "We had a problem with our server. Try again later.", "errors": {},
}


class Disk:
    """Breaks and mends the disk of the servers that it is given to."""

    library = None

    def __init__(self):
        if Disk.library is None:
            Disk.library = support.folder() / "faults.so"
            compiler = ["cc", "-shared", "-fPIC", "-O1", "-o", str(Disk.library), str(HERE / "faults.c"), "-ldl"]
            subprocess.run(compiler, check=True)
        folder = support.folder()
        self.data = folder / "data"
        self.control = folder / "control"

    @property
    def variables(self):
        return {"LD_PRELOAD": str(Disk.library), "FAULTS_PATH": str(self.data), "FAULTS_CONTROL": str(self.control)}

    def breaks(self, how):
        """From now on `how`; nothing: it works. In one step, so that no call sees half of it."""
        written = self.control.with_suffix(".new")
        written.write_text(how)
        written.rename(self.control)


class Refused(Exception):
    """The server said 503."""


class Client(acknowledged.Client):
    """What is refused is tried again until it is done: an answer that is no success left nothing behind."""

    def __init__(self, server, chance):
        super().__init__(server, chance)
        self.refusals = 0
        self.successes = 0

    def run(self):
        connection = self.server.connect()
        try:
            while not self.stopped.is_set():
                self.live(connection)
        except InterruptedError:
            pass
        except (AssertionError, OSError, http.client.HTTPException) as error:
            self.wrong = repr(error)
        connection.close()

    def post(self, connection, path, body, headers=None):
        """Asks until it is done."""
        while True:
            answer = ask(connection, "POST", f"/api/v1/{path}", body, headers)
            if answer.status == 200:
                self.successes += 1
                return answer.json["data"]
            if answer.status != 503 or answer.json != UNAVAILABLE or not answer.header("retry-after"):
                raise AssertionError(f"{path} after {self.refusals} refusals: {answer.status} {answer.body}")
            self.refusals += 1
            if self.stopped.wait(0.02):
                raise InterruptedError

    def sign_out(self, connection, email, headers):
        token = self.tokens[email]
        self.post(connection, "logout", {"token": token}, headers)
        del self.tokens[email]
        self.signed_out[email] = token


class Load:
    """Clients at work."""

    def __init__(self, test, server):
        self.test = test
        self.clients = [Client(server, random.Random(number)) for number in range(CLIENTS)]

    def __enter__(self):
        for client in self.clients:
            client.start()
        self.advance("successes")
        return self

    def advance(self, what, by=5):
        """Waits until each client has so many more of `what`."""
        before = [getattr(client, what) for client in self.clients]

        def moved():
            stuck = [was for client, was in zip(self.clients, before) if getattr(client, what) < was + by]
            return not stuck or any(client.wrong for client in self.clients)

        self.test.assertTrue(support.until(moved, 60), f"no more {what}")
        self.test.assertEqual([client.wrong for client in self.clients if client.wrong], [])

    def __exit__(self, *_):
        for client in self.clients:
            client.stopped.set()
        for client in self.clients:
            client.join(60)
        self.test.assertEqual([client.wrong for client in self.clients if client.wrong], [])


@contextlib.contextmanager
def writing(server):
    """Somebody registers one user after the other, with whatever success."""
    stopped = threading.Event()

    def register():
        for number in itertools.count():
            if stopped.is_set():
                return
            email = f"somebody-{number}@example.com"
            server.ask("POST", "/api/v1/register", {
                "name": "Somebody", "email": email, "password": PASSWORD, "password_confirmation": PASSWORD,
            })

    thread = threading.Thread(target=register, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join(60)


class Disks(unittest.TestCase):
    def server(self, disk, **more):
        return support.Server(https=False, data=disk.data, **CHEAP, **disk.variables, **more)

    def is_ready(self, server):
        return server.ask("GET", "/readyz").status == 200

    def unless_starved(self, server, login):
        """The answer to a login, if it is one and no refusal."""
        answer = server.ask("POST", "/api/v1/login", login)
        return None if answer.status == 503 else answer

    def check(self, server, load):
        for client in load.clients:
            acknowledged.check(self, server, client)
        # Else nothing was shown.
        self.assertTrue(all(client.users and client.refusals for client in load.clients))

    def assert_whole(self, server):
        """Nothing half done is in the files of a stopped server."""
        with contextlib.closing(sqlite3.connect(server.data / "myna.db")) as database:
            # Python's SQLite may be older than the function that the schema checks with.
            octets = lambda value: None if value is None else len(value)
            database.create_function("octet_length", 1, octets, deterministic=True)
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            self.assertEqual(database.execute("PRAGMA foreign_key_check").fetchall(), [])

    def refuses_and_recovers(self, server, breaks, mends):
        """The load before, while and after the disk is broken."""
        server.add_user("ada@example.com", PASSWORD)
        with Load(self, server) as load:
            breaks()
            load.advance("refusals")
            self.assertEqual(server.ask("GET", "/healthz").status, 200)
            # A refusal may also come from hashing that starves on a busy machine; then nothing has failed to be written yet.
            self.assertTrue(support.until(lambda: not self.is_ready(server), 120), "ready on a broken disk")
            # I6: who is nobody stays nobody; who is somebody is not told so without a session.
            wrong = {"email": "ada@example.com", "password": "wrong"}
            answers = lambda: self.unless_starved(server, wrong)
            self.assertEqual(support.until(answers, 120).status, 401)
            answer = server.ask("POST", "/api/v1/login", {"email": "ada@example.com", "password": PASSWORD})
            self.assertEqual(answer.status, 503, answer.body)
            mends()
            self.assertTrue(support.until(lambda: self.is_ready(server)), "not ready on a mended disk")
            load.advance("successes")
        self.check(server, load)
        return load

    # F4, F5, F7: and a crash afterwards brings nothing back that was refused.
    def test_a_broken_disk_refuses_and_recovers(self):
        for how in ("full", "readonly", "write", "fsync"):
            with self.subTest(how):
                disk = Disk()
                server = self.server(disk).start()
                load = self.refuses_and_recovers(server, lambda: disk.breaks(how), lambda: disk.breaks(""))
                server.kill()
                server.start()
                self.check(server, load)
                self.assertEqual(server.stop(), 0)
                self.assert_whole(server)
                self.assertNotIn("panicked", server.log())

    # F5: what failed to be durable is not there after a crash at the worst moment either.
    def test_a_refused_write_is_not_brought_back_by_a_crash(self):
        disk = Disk()
        server = self.server(disk).start()
        user = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "password_confirmation": PASSWORD}
        # Ids are taken in blocks, which is a write, too: the next one is that of the user.
        self.assertEqual(server.ask("POST", "/api/v1/register", user | {"email": "first@example.com"}).status, 200)
        disk.breaks("fsync")
        self.assertEqual(server.ask("POST", "/api/v1/register", user).status, 503)
        server.kill()
        disk.breaks("")
        server.start()
        login = server.ask("POST", "/api/v1/login", {"email": "ada@example.com", "password": PASSWORD})
        self.assertEqual(login.status, 401, login.body)
        self.assertEqual(server.ask("POST", "/api/v1/register", user).status, 200)
        self.assertEqual(server.stop(), 0)

    # F4, on a disk that really is full.
    def test_a_full_disk_refuses_and_recovers(self):
        mounted = support.folder()
        mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(mounted)]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            self.skipTest("this user may not mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", "--lazy", str(mounted)], check=True)
        server = support.Server(https=False, data=mounted / "data", **CHEAP)
        server.start()
        filler = mounted / "filler"

        def fill():
            with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
                while file.write(bytes(4096)):
                    pass

        self.refuses_and_recovers(server, fill, filler.unlink)
        self.assertEqual(server.stop(), 0)
        self.assert_whole(server)
        # A full disk at the start is said.
        fill()
        server.process = None
        shutil.rmtree(server.data / "keys")
        with self.assertRaisesRegex(AssertionError, "No space left on device"):
            server.start()

    # F4: nobody can read the log any more; that is no reason to fail.
    def test_a_full_disk_under_the_log_is_survived(self):
        server = support.Server(https=False, **CHEAP, MYNA_LOG_LEVEL="trace")
        server.log_path = pathlib.Path("/dev/full")
        server.start()
        user = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "password_confirmation": PASSWORD}
        self.assertEqual(server.ask("POST", "/api/v1/register", user).status, 200)
        self.assertEqual(server.ask("POST", "/api/v1/login", {}).status, 422)
        self.assertEqual(server.stop(), 0)

    # F6: a client that gives up and asks again gets what it would have got, once.
    def test_a_slow_disk_delays_and_doubles_nothing(self):
        disk = Disk()
        server = self.server(disk, MYNA_HTTP_REQUEST_TIMEOUT="3s").start()
        user = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD, "password_confirmation": PASSWORD}
        token = server.ask("POST", "/api/v1/register", user).json["data"]["refresh_token"]
        disk.breaks("slow 5")
        # Hangs up long before its rotation is on the disk.
        with self.assertRaises(TimeoutError):
            server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token}, timeout=0.5)
        started = time.monotonic()
        self.assertEqual(server.ask("GET", "/healthz").status, 200)
        self.assertEqual(server.ask("POST", "/api/v1/login", {"email": "x@y.example", "password": "z"}).status, 401)
        self.assertLess(time.monotonic() - started, 3, "those who write nothing wait for nobody")
        # The server gives up before its clients do.
        late = server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token})
        self.assertEqual((late.status, late.json), (503, UNAVAILABLE))
        disk.breaks("")
        answers = [server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token}) for _ in range(2)]
        self.assertEqual([answer.status for answer in answers], [200, 200])
        successors = {answer.json["data"]["refresh_token"] for answer in answers}
        self.assertEqual(len(successors), 1, "one rotation, however often it was asked for")
        # It is the next generation and not the one after it: its own successor is good, the first token is a copy.
        again = server.ask("POST", "/api/v1/token/refresh", {"refresh_token": successors.pop()})
        self.assertEqual(again.status, 200)
        disk.breaks("slow 5")
        with writing(server):
            self.assertTrue(support.until(lambda: not self.is_ready(server)), "ready while no write is durable in time")
            disk.breaks("")
        self.assertTrue(support.until(lambda: self.is_ready(server)), "not ready on a disk that is fast again")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
