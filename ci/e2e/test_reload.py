"""`myna reload` and SIGHUP: new dialects are served at once, faulty ones change nothing, and nobody who is being
answered notices.
"""

import os
import signal
import stat
import threading
import unittest

import support
from support import ask, bearer, run

PASSWORD = "password of ada"
RELOADS = 50
EXTRA = '''
[[endpoint]]
name      = "again"
route     = "POST /shop/again"
operation = "login"
request   = \'{"email": "{identifier}", "password": "{password}"}\'
'''


class Shop:
    """A server with one dialect of its own, which tests rewrite."""

    def __init__(self):
        self.folder = support.folder() / "mine"
        self.text = run("dialect", "show", "spring").stdout.replace("/api/", "/shop/")
        self.write("shop", self.text)
        config = f'[dialects]\nfolder = "{self.folder}"\nenabled = ["shop"]\n'
        self.server = support.Server(https=False, config=config)

    def write(self, name, text):
        """Writes a dialect's file."""
        file = self.folder / name / "dialect.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace('dialect = "spring"', f'dialect = "{name}"'))

    def __enter__(self):
        self.server.start()
        self.server.add_user("ada@example.com", PASSWORD, "--config", self.server.config)
        return self

    def __exit__(self, *_):
        self.server.stop()

    def reload(self, status=0):
        """`myna reload`."""
        return run("reload", "--data", self.server.data, status=status)

    def login(self, path="/shop/login"):
        """A login at one of its paths."""
        return self.server.ask("POST", path, {"email": "ada@example.com", "password": PASSWORD})


class Reload(unittest.TestCase):
    def test_a_new_endpoint_is_served(self):
        with Shop() as shop:
            self.assertEqual(shop.login("/shop/again").status, 404)
            token = shop.login().json["token"]
            shop.write("shop", shop.text + EXTRA)
            self.assertIn("changed: shop", shop.reload().stdout)
            self.assertEqual(shop.login("/shop/again").status, 200)
            # What was given out before is good still.
            self.assertEqual(shop.server.ask("GET", "/shop/user/hey", headers=bearer(token)).status, 200)
            self.assertIn("nothing changed", shop.reload().stdout)

    def test_dialects_come_and_go(self):
        with Shop() as shop:
            config = shop.server.config
            config.write_text(config.read_text().replace('"shop"]', '"shop", "passport", "kiosk"]'))
            shop.write("kiosk", shop.text.replace("/shop/", "/kiosk/").replace("HS256", "RS256"))
            self.assertIn("new: kiosk, passport", shop.reload().stdout)
            self.assertEqual(shop.login("/kiosk/login").status, 200)
            self.assertEqual(len(list((shop.server.data / "keys").glob("kiosk.access.*.json"))), 1)
            passport = shop.login("/api/v1/login").json
            config.write_text(config.read_text().replace('"shop", ', ""))
            self.assertIn("gone: shop", shop.reload().stdout)
            self.assertEqual(shop.login().status, 404)
            refresh = {"refresh_token": passport["data"]["refresh_token"]}
            self.assertEqual(shop.server.ask("POST", "/api/v1/token/refresh", refresh).status, 200)

    def test_faults_change_nothing(self):
        with Shop() as shop:
            shop.write("shop", shop.text.replace('"{access.token}"', '"{acces.token}"') + EXTRA.replace("login", "logn"))
            shop.write("till", "dialect = \"till\"\nroute = 5\n")
            error = shop.reload(status=1).stderr
            line = next(n for n, text in enumerate((shop.folder / "shop" / "dialect.toml").read_text().splitlines(), 1)
                        if "{acces.token}" in text)
            for expected in (f"dialect.toml:{line}:", "^", "did you mean `{access.token}`?", "stay as they are"):
                self.assertIn(expected, error)
            # `till` is not enabled: its faults are nobody's.
            self.assertNotIn("till", error)
            log = shop.server.log()
            self.assertRegex(log, rf"a dialect cannot be served file=\S*shop/dialect.toml\S* line={line} column=\d+ ")
            self.assertIn("logn", log)
            self.assertEqual(shop.login().status, 200)
            self.assertEqual(shop.login("/shop/again").status, 404)
            # Two dialects that want one path are a fault, too.
            shop.write("shop", shop.text)
            shop.write("till", shop.text)
            config = shop.server.config
            config.write_text(config.read_text().replace('"shop"]', '"shop", "till"]'))
            self.assertIn("overlap", shop.reload(status=1).stderr)
            config.write_text("[dialects]\nfolder = 5\n")
            self.assertIn("myna.toml:2:", shop.reload(status=1).stderr)
            self.assertEqual(shop.login().status, 200)

    def test_sighup_reloads_and_answers_in_the_log(self):
        with Shop() as shop:
            shop.write("shop", "nonsense")
            shop.server.process.send_signal(signal.SIGHUP)
            self.assertTrue(support.until(lambda: "the dialects stay as they are" in shop.server.log()))
            self.assertEqual(shop.login().status, 200)
            shop.write("shop", shop.text + EXTRA)
            shop.server.process.send_signal(signal.SIGHUP)
            self.assertTrue(support.until(lambda: shop.login("/shop/again").status == 200))

    def test_a_change_of_refresh_tokens_is_said(self):
        with Shop() as shop:
            config = shop.server.config
            config.write_text(config.read_text().replace('"shop"]', '"shop", "passport"]'))
            shop.reload()
            text = run("dialect", "show", "passport").stdout
            self.assertIn('"def50200"', text)
            shop.write("passport", text.replace('"def50200"', '"other"'))
            self.assertIn("sign in again", shop.reload().stdout)

    def test_the_socket_is_private_and_goes_with_the_server(self):
        with Shop() as shop:
            (socket,) = shop.server.data.glob("control.*.sock")
            self.assertEqual(stat.S_IMODE(socket.stat().st_mode), 0o600)
            shop.server.kill()
            self.assertIn("no server runs", shop.reload(status=1).stderr)
            shop.server.start()
            self.assertFalse(socket.exists())
            shop.reload()
            shop.server.stop()
            self.assertEqual(list(shop.server.data.glob("control.*.sock")), [])
            self.assertIn("no server runs", shop.reload(status=1).stderr)
        self.assertIn("no server runs", run("reload", "--data", support.folder() / "none", status=1).stderr)

    def test_nobody_notices_fifty_reloads(self):
        with Shop() as shop:
            stop = threading.Event()
            failures, answered = [], [0, 0]

            def client(number):
                connection = shop.server.connect()
                token = None
                try:
                    while not stop.is_set():
                        if token is None:
                            body = {"email": "ada@example.com", "password": PASSWORD}
                            answer = ask(connection, "POST", "/shop/login", body)
                            token = answer.json["token"]
                        else:
                            answer = ask(connection, "GET", "/shop/user/hey", headers=bearer(token))
                            token = None if answered[number] % 7 == 0 else token
                        if answer.status != 200:
                            raise AssertionError(f"{answer.status} {answer.body}")
                        answered[number] += 1
                except Exception as failure:
                    failures.append(failure)
                finally:
                    connection.close()

            threads = [threading.Thread(target=client, args=(number,)) for number in range(len(answered))]
            for thread in threads:
                thread.start()
            for number in range(RELOADS):
                shop.write("shop", shop.text + (EXTRA if number % 2 == 0 else ""))
                shop.reload()
            stop.set()
            for thread in threads:
                thread.join(30)
            self.assertEqual(failures, [])
            self.assertGreater(min(answered), RELOADS)
            self.assertEqual(len(os.listdir(shop.server.data / "keys")), 2)
