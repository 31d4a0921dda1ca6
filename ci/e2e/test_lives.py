"""One life of a session for each dialect: login, use, refresh, an honest retry, a thief's retry, logout; and what one
dialect's tokens are worth in another: nothing.
"""

import threading
import time
import unittest

import support
from support import bearer

server = None


def setUpModule():
    global server
    server = support.Server("demo").start()


def tearDownModule():
    status = server.stop()
    assert status == 0, f"the demo ended with {status}:\n{server.log()}"


def post(path, body=None, headers=None, status=200):
    """A POST whose answer must have this status."""
    answer = server.ask("POST", path, body, headers)
    if answer.status != status:
        raise AssertionError(f"{path}: {answer.status}, expected {status}: {answer.body}")
    return answer


class Passport(unittest.TestCase):
    def login(self):
        return post("/api/v1/login", {"email": "admin@example.com", "password": "123456"}).json["data"]

    def refresh(self, token, status=200):
        return post("/api/v1/token/refresh", {"refresh_token": token}, status=status).json["data"]

    def logout(self, data, status=200):
        post("/api/v1/logout", {"token": data["refresh_token"]}, bearer(data["access_token"]), status)

    def test_an_honest_retry_gets_the_same_successor(self):  # RF-02
        first = self.login()["refresh_token"]
        second = self.refresh(first)["refresh_token"]
        self.assertNotEqual(first, second)
        self.assertEqual(self.refresh(first)["refresh_token"], second)
        self.refresh(second)

    def test_a_replay_after_that_ends_the_session(self):  # RF-03
        other = self.login()["refresh_token"]
        first = self.login()["refresh_token"]
        third = self.refresh(self.refresh(first)["refresh_token"])["refresh_token"]
        self.refresh(first, status=401)
        self.refresh(third, status=401)
        self.refresh(other)

    def test_after_logout_nothing_is_left(self):  # RF-05
        old = self.login()
        new = self.refresh(old["refresh_token"])
        self.logout(new)
        self.refresh(new["refresh_token"], status=401)
        self.refresh(old["refresh_token"], status=401)
        self.logout(new, status=401)

    def test_a_logout_wants_both_tokens_of_one_session(self):
        one, other = self.login(), self.login()
        self.logout(one | {"refresh_token": other["refresh_token"]}, status=401)
        post("/api/v1/logout", {"token": one["refresh_token"]}, status=401)
        post("/api/v1/logout", {}, bearer(one["access_token"]), status=422)
        self.refresh(one["refresh_token"])
        self.refresh(other["refresh_token"])

    def test_a_restart_changes_nothing(self):  # RF-08
        live, dead, spent = self.login(), self.login(), self.login()
        self.logout(dead)
        self.refresh(self.refresh(spent["refresh_token"])["refresh_token"])
        self.assertEqual(server.stop(), 0)
        server.start()
        self.refresh(live["refresh_token"])
        self.refresh(dead["refresh_token"], status=401)
        self.refresh(spent["refresh_token"], status=401)


class Portal(unittest.TestCase):
    def login(self, user="admin", password="123456"):
        return post("/api/v1/auth/login", {"user": user, "password": password}).json

    def refresh(self, access, refresh, status=200):
        return post("/api/v1/auth/refresh", {"refresh_token": refresh}, bearer(access), status).json["result"]

    def test_life(self):
        answer = self.login()
        self.assertEqual(answer["redirect"], "")
        first = answer["result"]
        second = self.refresh(first["access_token"], first["refresh_token"])
        again = self.refresh(first["access_token"], first["refresh_token"])
        self.assertEqual(again["refresh_token"], second["refresh_token"])
        third = self.refresh(second["access_token"], second["refresh_token"])
        self.refresh(first["access_token"], first["refresh_token"], status=401)
        self.refresh(third["access_token"], third["refresh_token"], status=401)

    def test_the_two_tokens_must_be_of_one_session(self):
        one, other = self.login()["result"], self.login("admin@example.com")["result"]
        self.refresh(one["access_token"], other["refresh_token"], status=401)
        post("/api/v1/auth/refresh", {"refresh_token": one["refresh_token"]}, status=401)
        self.refresh(one["refresh_token"], one["refresh_token"], status=401)  # JT-09
        self.refresh(one["access_token"], one["refresh_token"])


class Ktor(unittest.TestCase):
    GUEST = {"email": "guest@keygenqt.com", "password": "12345678"}

    def login(self, device):
        return post("/api/ps/login", self.GUEST | {"deviceId": device}).json

    def refresh(self, device, token, status=200):
        return post("/api/ps/refresh", {"deviceId": device, "refreshToken": token}, status=status).json

    def test_life(self):
        first = self.login("life")
        second = self.refresh("life", first["refreshToken"])
        self.assertEqual(list(second), ["id", "email", "role", "token", "refreshToken"])
        self.assertEqual(self.refresh("life", first["refreshToken"])["refreshToken"], second["refreshToken"])
        third = self.refresh("life", second["refreshToken"])
        answer = server.ask("GET", "/api/ps/logout", headers=bearer(third["token"]))
        self.assertEqual(answer.status, 200)
        refused = self.refresh("life", third["refreshToken"], status=400)
        self.assertEqual(refused, {"code": 400, "message": "Bad Request"})
        self.assertNotEqual(server.ask("GET", "/api/ps/logout", headers=bearer(third["token"])).status, 200)

    def test_a_replay_ends_the_session(self):  # RF-03
        first = self.login("replay")
        third = self.refresh("replay", self.refresh("replay", first["refreshToken"])["refreshToken"])
        self.refresh("replay", first["refreshToken"], status=400)
        self.refresh("replay", third["refreshToken"], status=400)

    def test_a_refresh_comes_from_its_device(self):
        first = self.login("mine")
        self.refresh("other", first["refreshToken"], status=400)
        self.refresh("mine", first["refreshToken"])

    def test_a_new_login_on_the_device_replaces_the_session(self):
        old, other = self.login("same"), self.login("another")
        new = self.login("same")
        self.refresh("same", old["refreshToken"], status=400)
        self.refresh("same", new["refreshToken"])
        self.refresh("another", other["refreshToken"])

    def test_cookie(self):  # HD-03
        answer = post("/api/ps/auth", self.GUEST | {"deviceId": "browser"})
        self.assertEqual(answer.text, '{"id":1,"email":"guest@keygenqt.com","role":"GUEST"}')
        value, *attributes = answer.header("Set-Cookie").split("; ")
        self.assertTrue(value.startswith("__Host-session=ey"), value)
        attributes = {attribute.lower() for attribute in attributes}
        self.assertLessEqual({"secure", "httponly", "path=/", "samesite=strict"}, attributes)
        self.assertFalse([each for each in attributes if each.startswith("domain")])
        answer = server.ask("GET", "/api/ps/logout", headers={"Cookie": value})
        self.assertEqual(answer.status, 200)
        self.assertTrue(answer.header("Set-Cookie").startswith("__Host-session=; "))
        self.assertNotEqual(server.ask("GET", "/api/ps/logout", headers={"Cookie": value}).status, 200)


class Spring(unittest.TestCase):
    def test_life(self):
        token = post("/api/login", {"email": "foo@gmail.com", "password": "foo"}).json["token"]
        self.assertEqual(server.ask("GET", "/api/user/hey", headers=bearer(token)).status, 200)
        # Its tokens name no session and it has no logout: what ends them is the session's end, here with the user's.
        support.run("user", "disable", "foo", "--data", server.data)
        try:  # LG-11
            answer = server.ask("GET", "/api/user/hey", headers=bearer(token))
            self.assertEqual((answer.status, answer.json["code"]), (403, 106))
            answer = post("/api/login", {"email": "foo@gmail.com", "password": "foo"}, status=401)
            wrong = post("/api/login", {"email": "foo@gmail.com", "password": "bar"}, status=401)
            self.assertEqual(answer.body, wrong.body)  # LG-01
        finally:
            support.run("user", "enable", "foo", "--data", server.data)
        self.assertEqual(server.ask("GET", "/api/user/hey", headers=bearer(token)).status, 403)

    def test_a_new_password_and_an_operator_end_its_tokens(self):  # RF-09, RF-14
        server.add_user("spring@example.com", "first")
        login = {"email": "spring@example.com", "password": "first"}
        for number, ending in enumerate((
            ("session", "end", "--user", "spring@example.com"),
            ("user", "set", "spring@example.com", "--password-stdin", "--allow-weak-password"),
        )):
            token = post("/api/login", login).json["token"]
            self.assertEqual(server.ask("GET", "/api/user/hey", headers=bearer(token)).status, 200)
            support.run(*ending, "--data", server.data, stdin="second\n" if number else "")
            self.assertEqual(server.ask("GET", "/api/user/hey", headers=bearer(token)).status, 403)
            # Another second, or the next login has the same claims and so the same token.
            second = int(time.time())
            support.until(lambda: int(time.time()) > second)


class Gateway(unittest.TestCase):
    def test_life(self):
        server.add_user("gateway@example.com", "first")
        login = {"email": "gateway@example.com", "password": "first"}
        first = post("/v1/customer/login", login).json["jwt"]["access_token"]
        second = post("/v1/customer/refresh", headers=bearer(first)).json["jwt"]["access_token"]
        # A renewal replaces nothing: the client keeps its old token until that ends.
        post("/v1/customer/refresh", headers=bearer(first))
        post("/v1/customer/refresh", headers=bearer(second))
        post("/v1/customer/refresh", status=401)
        done = support.run(
            "user", "set", "gateway@example.com", "--password-stdin", "--allow-weak-password", "--data", server.data,
            stdin="second\n",
        )
        self.assertIn("every session has ended", done.stdout)
        for token in (first, second):  # RF-09
            post("/v1/customer/refresh", headers=bearer(token), status=401)
        post("/v1/customer/login", login, status=401)
        post("/v1/customer/login", login | {"password": "second"})


class Ended(unittest.TestCase):
    """RF-14, I4: no access token is taken that is sent after the end of its session was answered, whatever the dialect."""

    def setUp(self):
        self.email = f"ended-{time.monotonic_ns()}@example.com"
        server.add_user(self.email, "12345678")
        self.login = {"email": self.email, "password": "12345678"}

    def operator(self):
        support.run("session", "end", "--user", self.email, "--data", server.data)

    def latest(self, use, end):
        """Asks without pause while `end` happens. How many were accepted in all, and how many that were sent after it."""
        over, sent, wrong = threading.Event(), [], []

        def ask():
            try:
                while True:
                    late = over.is_set()
                    sent.append((late, use().status == 200))
                    if late:
                        return
            except Exception as error:  # a thread's failure is the test's
                wrong.append(error)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        self.assertTrue(support.until(lambda: len(sent) > 20))
        end()
        over.set()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])
        late = [accepted for late, accepted in sent if late]
        self.assertEqual(len(late), 4)
        return sum(accepted for _, accepted in sent), sum(late)

    def check(self, use, end):
        accepted, late = self.latest(use, end)
        self.assertGreater(accepted, 0)
        self.assertEqual(late, 0)
        self.assertNotEqual(use().status, 200)

    def test_spring(self):
        token = post("/api/login", self.login).json["token"]
        self.check(lambda: server.ask("GET", "/api/user/hey", headers=bearer(token)), self.operator)

    def test_gateway(self):
        token = post("/v1/customer/login", self.login).json["jwt"]["access_token"]
        self.check(lambda: server.ask("POST", "/v1/customer/refresh", headers=bearer(token)), self.operator)

    def test_portal(self):
        body = {"user": self.email, "password": "12345678"}
        first = post("/api/v1/auth/login", body).json["result"]
        # An honest retry within the grace time is answered again and again.
        retry = {"refresh_token": first["refresh_token"]}
        self.check(
            lambda: server.ask("POST", "/api/v1/auth/refresh", retry, bearer(first["access_token"])), self.operator
        )

    def test_passport(self):
        data = post("/api/v1/login", self.login).json["data"]
        retry = {"refresh_token": data["refresh_token"]}
        logout = ("/api/v1/logout", {"token": data["refresh_token"]}, bearer(data["access_token"]))
        self.check(lambda: server.ask("POST", "/api/v1/token/refresh", retry), lambda: post(*logout))
        self.assertEqual(server.ask("POST", *logout).status, 401)

    def test_ktor(self):
        body = self.login | {"deviceId": "ended"}
        tokens = post("/api/ps/login", body).json
        retry = {"deviceId": "ended", "refreshToken": tokens["refreshToken"]}

        def logout():
            return server.ask("GET", "/api/ps/logout", headers=bearer(tokens["token"]))

        self.check(
            lambda: server.ask("POST", "/api/ps/refresh", retry), lambda: self.assertEqual(logout().status, 200)
        )
        self.assertNotEqual(logout().status, 200)


class Strangers(unittest.TestCase):
    """RF-10, JT-10: a token is good for its own dialect, and for its own use."""

    def test_access_tokens(self):
        credentials = {"email": "guest@keygenqt.com", "password": "12345678"}
        passport = post("/api/v1/login", credentials).json["data"]
        portal = post("/api/v1/auth/login", {"user": "guest", "password": "12345678"}).json["result"]
        ktor = post("/api/ps/login", credentials | {"deviceId": "strangers"}).json
        tokens = {
            "spring": post("/api/login", credentials).json["token"],
            "gateway": post("/v1/customer/login", credentials).json["jwt"]["access_token"],
            "passport": passport["access_token"],
            "portal": portal["access_token"],
            "portal refresh": portal["refresh_token"],
            "ktor": ktor["token"],
            "ktor refresh": ktor["refreshToken"],
            "passport refresh": passport["refresh_token"],
        }
        uses = {
            "spring": lambda token: server.ask("GET", "/api/user/hey", headers=bearer(token)),
            "gateway": lambda token: server.ask("POST", "/v1/customer/refresh", headers=bearer(token)),
            "portal": lambda token: server.ask(
                "POST", "/api/v1/auth/refresh", {"refresh_token": portal["refresh_token"]}, bearer(token)
            ),
            "passport": lambda token: server.ask(
                "POST", "/api/v1/logout", {"token": passport["refresh_token"]}, bearer(token)
            ),
            "ktor": lambda token: server.ask("GET", "/api/ps/logout", headers=bearer(token)),
            "portal refresh": lambda token: server.ask(
                "POST", "/api/v1/auth/refresh", {"refresh_token": token}, bearer(portal["access_token"])
            ),
            "passport refresh": lambda token: server.ask("POST", "/api/v1/token/refresh", {"refresh_token": token}),
            "ktor refresh": lambda token: server.ask(
                "POST", "/api/ps/refresh", {"deviceId": "strangers", "refreshToken": token}
            ),
        }
        # Strangers first: the last use of some tokens ends their session.
        for place, use in uses.items():
            for kind, token in tokens.items():
                if kind != place:
                    with self.subTest(place=place, token=kind):
                        answer = use(token)
                        self.assertIn(answer.status, (400, 401, 403), answer.body)
        for place in ("spring", "gateway", "portal", "portal refresh", "passport refresh", "ktor refresh", "ktor"):
            with self.subTest(place=place):
                self.assertEqual(uses[place](tokens[place]).status, 200)


if __name__ == "__main__":
    unittest.main()
