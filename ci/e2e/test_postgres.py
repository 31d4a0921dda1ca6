"""Several nodes over one PostgreSQL: what one has done holds at the others, a database that dies is waited for, and what
cannot be used is said in one line."""

import threading
import time
import unittest

import support
from postgres import Postgres
from support import bearer

PASSWORD = support.CANARY
MARK = "data"


class Nodes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.postgres.start()
        cls.address = cls.postgres.database("myna")
        # The nodes share their keys; each has a port of its own.
        cls.data = support.folder() / "data"
        cls.nodes = [support.Server(https=False, data=cls.data, MYNA_DATABASE=cls.address) for _ in range(2)]
        for node in cls.nodes:
            node.start()
        cls.numbers = iter(range(1, 1000))

    @classmethod
    def tearDownClass(cls):
        for node in cls.nodes:
            node.stop()
        cls.postgres.stop()

    def register(self, node=0):
        email = f"ada{next(self.numbers)}@example.com"
        answer = self.nodes[node].ask("POST", "/api/v1/register", {
            "name": "Ada", "email": email, "password": PASSWORD, "password_confirmation": PASSWORD,
        })
        self.assertEqual(answer.status, 200, answer.text)
        return email, answer.json["data"]

    def refresh(self, node, token):
        return self.nodes[node].ask("POST", "/api/v1/token/refresh", {"refresh_token": token})

    # MN-02, RF-05
    def test_what_one_node_has_ended_is_ended_at_the_other(self):
        _, tokens = self.register(node=0)
        answer = self.refresh(1, tokens["refresh_token"])
        self.assertEqual(answer.status, 200, answer.text)
        newest = answer.json["data"]
        out = self.nodes[0].ask("POST", "/api/v1/logout", {"token": newest["refresh_token"]}, bearer(newest["access_token"]))
        self.assertEqual(out.status, 200, out.text)
        self.assertEqual(self.refresh(1, newest["refresh_token"]).status, 401)
        again = self.nodes[1].ask("POST", "/api/v1/logout", {"token": newest["refresh_token"]}, bearer(newest["access_token"]))
        self.assertEqual(again.status, 401)

    # RF-01: 64 at once over two nodes.
    def test_one_token_has_one_successor_on_two_nodes(self):
        _, tokens = self.register()
        barrier, answers = threading.Barrier(64), []

        def race(node):
            barrier.wait()
            answers.append(self.refresh(node, tokens["refresh_token"]))

        racers = [threading.Thread(target=race, args=(number % 2,)) for number in range(64)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        self.assertEqual({answer.status for answer in answers}, {200})
        self.assertEqual(len({answer.json["data"]["refresh_token"] for answer in answers}), 1)

    # MN-05, F8: while there is no database nobody is let in; when it is back, so is everything.
    def test_a_database_that_dies_is_waited_for(self):
        email, tokens = self.register()
        self.postgres.kill()
        login = {"email": email, "password": PASSWORD}
        answer = self.nodes[0].ask("POST", "/api/v1/login", login)
        self.assertIn(answer.status, (500, 503), answer.text)
        self.assertEqual(self.nodes[0].ask("GET", "/healthz").status, 200)
        self.assertEqual(self.nodes[0].ask("GET", "/readyz").status, 503)
        self.postgres.start()
        started = time.monotonic()
        self.assertTrue(support.until(lambda: self.nodes[1].ask("GET", "/readyz").status == 200))
        print(f"        the pool had healed {time.monotonic() - started:.1f} s after the database was back")
        self.assertEqual(self.refresh(1, tokens["refresh_token"]).status, 200)
        self.assertEqual(self.nodes[0].ask("POST", "/api/v1/login", login).status, 200)

    # F8: one backend after the other dies under a client's hands.
    def test_a_killed_backend_costs_no_session(self):
        _, tokens = self.register()
        token = tokens["refresh_token"]
        for number in range(60):
            if number % 10 == 5:
                self.postgres.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'myna'")
            answer = self.refresh(number % 2, token)
            self.assertEqual(answer.status, 200, answer.text)
            token = answer.json["data"]["refresh_token"]

    def test_the_command_line_works_on_the_same_database(self):
        email, _ = self.register()
        listed = support.run("session", "list", email, "--data", self.data, MYNA_DATABASE=self.address)
        self.assertIn("passport", listed.stdout)
        support.run("user", "disable", email, "--data", self.data, MYNA_DATABASE=self.address)
        answer = self.nodes[0].ask("POST", "/api/v1/login", {"email": email, "password": PASSWORD})
        self.assertEqual(answer.status, 401)

    # ST-07: several nodes that start at once migrate once.
    def test_nodes_that_start_at_once_migrate_once(self):
        address = self.postgres.database("fresh")
        data = support.folder() / "data"
        nodes = [support.Server(https=False, data=data, MYNA_DATABASE=address) for _ in range(3)]
        starts = [threading.Thread(target=node.start) for node in nodes]
        for start in starts:
            start.start()
        for start in starts:
            start.join()
        try:
            for node in nodes:
                self.assertEqual(node.ask("GET", "/readyz").status, 200, node.log())
            rows = self.postgres.sql("SELECT count(*), count(DISTINCT number) FROM migration", "fresh").split("|")
            self.assertEqual(rows[0], rows[1])
        finally:
            for node in nodes:
                node.stop()


class BadInput(unittest.TestCase):
    """Each one line that says what to do, exit status 1, nothing changed."""

    @classmethod
    def setUpClass(cls):
        cls.postgres = Postgres()
        cls.postgres.start()

    @classmethod
    def tearDownClass(cls):
        cls.postgres.stop()

    def refused(self, address, *parts, command=("user", "list")):
        done = support.run(*command, "--data", support.folder() / "data", status=1, MYNA_DATABASE=address)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        for part in parts:
            self.assertIn(part, done.stderr)
        self.assertNotIn(PASSWORD, done.stderr)

    def test_addresses(self):
        self.refused("mysql://db/x", "postgres://")
        self.refused(f"postgres://ada:{PASSWORD}@db/x?sslmode=prefer", "sslmode=prefer", "verify-full")
        self.refused(f"postgres://ada:{PASSWORD}@127.0.0.1:1/x", "127.0.0.1:1", "refused")

    def test_a_database_that_is_not_there(self):
        self.refused(self.postgres.address("nowhere"), "no database `nowhere`", "createdb")

    def test_a_user_who_is_not_let_in(self):
        self.refused(self.postgres.address("postgres", user="nobody"), "nobody", "pg_hba.conf")

    def test_a_database_without_an_installation(self):
        self.refused(self.postgres.database("empty"), "no installation")

    def test_rights_that_are_missing(self):
        self.postgres.sql("CREATE ROLE weak LOGIN")
        self.postgres.database("strict")
        command = ("user", "add", "--email", "a@example.com", "--no-password")
        self.refused(self.postgres.address("strict", user="weak"), "weak", "GRANT", command=command)

    # ST-07
    def test_a_schema_of_a_newer_program(self):
        address = self.postgres.database("newer")
        support.run("user", "add", "--email", "a@example.com", "--no-password", "--data", support.folder() / "data",
                    MYNA_DATABASE=address)
        self.postgres.sql("INSERT INTO migration (number, name, checksum) VALUES (99, 'future', 'x')", "newer")
        self.refused(address, "newer Myna", "99")
