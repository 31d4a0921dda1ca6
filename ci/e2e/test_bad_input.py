"""Bad input over the wire, for all five dialects: each gets an answer in the dialect's own shape, and the server goes
on. At the end of it all, no secret is in the log.
"""

import json
import re
import socket
import subprocess
import time
import unittest

import support
from support import bearer

# The shape of a failure of each dialect: a login, its good body, and what a refusal must look like for a status.
ENDPOINTS = {
    "gateway": ("/v1/customer/login", {"email": "guest@keygenqt.com", "password": "12345678"}),
    "portal": ("/api/v1/auth/login", {"user": "guest", "password": "12345678"}),
    "spring": ("/api/login", {"email": "guest@keygenqt.com", "password": "12345678"}),
    "passport": ("/api/v1/login", {"email": "guest@keygenqt.com", "password": "12345678"}),
    "ktor": ("/api/ps/login", {"deviceId": "bad", "email": "guest@keygenqt.com", "password": "12345678"}),
}

server = None


def setUpModule():
    global server
    server = support.Server(config=(
        '[log]\nlevel = "trace"\n[http]\nbody_timeout = "700ms"\nheader_timeout = "700ms"\nidle_timeout = "3s"\n'
        "[https]\nself_signed = true\n"
    ))
    server.start()
    server.add_user("guest@keygenqt.com", "12345678", "--username", "guest")


def tearDownModule():
    status = server.stop()
    assert status == 0, f"the server ended with {status}"
    assert "panicked" not in server.log()


def is_shaped(dialect, status, body):
    """Whether a failure of this status is written as the dialect writes failures."""
    value = json.loads(body)
    members = list(value)
    if dialect == "gateway":
        return members == ["statusCode", "statusMessage"] and value["statusCode"] == status
    if dialect == "portal":
        return (
            members == ["code", "result", "redirect"] and list(value["result"]) == ["code", "error", "desc"]
            and value["code"] == value["result"]["code"] == status and value["redirect"] == ""
        )
    if dialect == "spring":
        return members == ["code", "description"] and value["code"] in (102, 103, status)
    if dialect == "passport":
        return members == ["code", "data", "message", "errors"] and value["code"] == status and value["data"] is None
    return members in (["code", "message"], ["code", "message", "validate"]) and value["code"] == status


class Matrix(unittest.TestCase):
    def assert_refused(self, dialect, answer, *statuses):
        self.assertIn(answer.status, statuses, answer.body[:300])
        self.assertTrue(is_shaped(dialect, answer.status, answer.body), answer.body[:300])
        self.assertTrue(answer.header("X-Request-Id"))
        self.assertIn("no-store", answer.header("Cache-Control"))  # HD-01

    def each(self):
        for dialect, (path, good) in ENDPOINTS.items():
            yield dialect, path, good

    def test_good_input_is_good(self):
        for dialect, path, good in self.each():
            with self.subTest(dialect):
                self.assertEqual(server.ask("POST", path, good).status, 200)
                # Unknown members are ignored; so is a parameter of the content type.
                answer = server.ask(
                    "POST", path, json.dumps(good | {"more": [1, {"x": None}]}),
                    {"Content-Type": "application/json; charset=utf-8"},
                )
                self.assertEqual(answer.status, 200)

    def test_wrong_method(self):
        for dialect, path, _ in self.each():
            for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
                with self.subTest(dialect=dialect, method=method):
                    answer = server.ask(method, path)
                    self.assert_refused(dialect, answer, 405)
                    self.assertEqual(answer.header("Allow"), "POST")
        with self.subTest("HEAD"):
            self.assertEqual(server.ask("HEAD", "/api/login").status, 405)
        with self.subTest("POST where GET is"):
            answer = server.ask("POST", "/api/user/hey", "{}")
            self.assertEqual((answer.status, answer.header("Allow")), (405, "GET"))

    def test_unknown_path(self):
        paths = ("/", "/api/log", "/api/login/", "/api//login", "/api/v1/login/x", "/healthz/", "/%2e%2e/etc/passwd")
        for path in paths:
            with self.subTest(path):
                self.assertEqual(server.ask("POST", path, "{}").status, 404)

    def test_bodies(self):
        deep = b"[" * 8000
        for dialect, path, good in self.each():
            password = json.dumps(good)
            table = {
                "none": (None, {}),
                "empty": (b"", {}),
                "not JSON": (b"{", {}),
                "two values": (password.encode() + b"{}", {}),
                "array": (b"[]", {}),
                "text": (b'"text"', {}),
                "null": (b"null", {}),
                "number": (b"1e999", {}),
                "deep": (deep, {}),
                "deep member": (b'{"email":' + deep, {}),
                "bad UTF-8": (password.replace("12345678", "1234\xff5678").encode("latin-1"), {}),
                "half a surrogate": (password.replace("12345678", "\\ud8001234").encode(), {}),
                "trailing comma": (password.replace("}", ",}").encode(), {}),
                "duplicate": (password.replace("{", '{"password": "x", ', 1).encode(), {}),
                "byte order mark": (b"\xef\xbb\xbf" + password.encode(), {}),
                "form": (b"email=guest&password=12345678", {"Content-Type": "application/x-www-form-urlencoded"}),
                "plain text": (password.encode(), {"Content-Type": "text/plain"}),
                "password array": ({**good, "password": ["12345678"]}, {}),
                "password object": ({**good, "password": {"$ne": ""}}, {}),
                "password number": ({**good, "password": 12345678}, {}),
                "password null": ({**good, "password": None}, {}),
                "nothing": ({}, {}),
            }
            for name, (body, headers) in table.items():
                with self.subTest(dialect=dialect, body=name):
                    self.assert_refused(dialect, server.ask("POST", path, body, headers), 400, 401, 415, 422)

    def test_wrong_credentials_of_every_kind(self):
        for dialect, path, good in self.each():
            name = "user" if "user" in good else "email"
            if dialect == "ktor":
                wrong = [{"password": "1234567\x00"}, {"password": "12345678\x00"}]
            else:
                wrong = [{"password": good["password"] + "\x00"}, {"password": " 12345678"}, {"password": "x" * 8000}]
            for change in (*wrong, {name: good[name] + "x"}):
                with self.subTest(dialect=dialect, change=str(change)[:40]):
                    self.assert_refused(dialect, server.ask("POST", path, good | change), 400, 401, 422)

    def test_a_huge_password(self):  # PW-05, TH-12
        for dialect, path, good in self.each():
            with self.subTest(dialect):
                answer = raw(path, json.dumps(good | {"password": "x" * 1024 * 1024}))
                self.assert_refused(dialect, answer, 413)
                self.assertEqual(answer.header("connection"), "close")

    def test_an_endless_body(self):  # TH-12
        for dialect, path, _ in self.each():
            with self.subTest(dialect):
                with socket.create_connection((server.host, server.port), timeout=10) as connection:
                    connection.sendall(head(path, "Transfer-Encoding: chunked"))
                    with_end = b""
                    try:
                        for _ in range(4096):
                            connection.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
                    except OSError:
                        pass
                    else:
                        self.fail("16 MiB were taken")
                    try:
                        with_end = read_all(connection)
                    except OSError:
                        continue  # reset: the rest of what we sent met a closed socket
                    if with_end:
                        self.assertTrue(with_end.startswith(b"HTTP/1.1 413"), with_end[:100])

    def test_a_slow_body(self):  # TH-13
        for dialect, path, _ in self.each():
            with self.subTest(dialect):
                with socket.create_connection((server.host, server.port), timeout=10) as connection:
                    connection.sendall(head(path, "Content-Length: 100") + b'{"email":')
                    self.assert_refused(dialect, parse(read_all(connection)), 408)

    def test_slow_heads_and_silence(self):  # TH-13
        started = time.monotonic()
        open_ = [socket.create_connection((server.host, server.port), timeout=10) for _ in range(4)]
        open_[0].sendall(b"POST /api/login HTTP/1.1\r\nHost: x\r\n")
        open_[1].sendall(b"P")
        open_[3].sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        for number, connection in enumerate(open_):
            with self.subTest(number):
                try:
                    answer = read_all(connection)
                except ConnectionResetError:
                    answer = b""
                if number < 3 and answer:
                    self.assertTrue(answer.startswith(b"HTTP/1.1 408"), answer[:100])
                connection.close()
        self.assertLess(time.monotonic() - started, 9)

    def test_requests_that_are_none(self):
        table = [
            b"GET / HTTP/1.1\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n{}   ",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            b"POST /api/login HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
            b"POST /api/login HTTP/9.9\r\n\r\n",
            b"\x00" * 100,
        ]
        for number, request in enumerate(table):
            with self.subTest(number):
                with socket.create_connection((server.host, server.port), timeout=10) as connection:
                    try:
                        connection.sendall(request)
                        connection.shutdown(socket.SHUT_WR)
                        received = read_all(connection)
                    except OSError:
                        received = b""
                    if received:
                        self.assertRegex(received[:12], rb"HTTP/1\.[01] 4\d\d")
        self.assertEqual(server.ask("GET", "/healthz").status, 200)

    def test_authorization_headers(self):  # JT-17
        token = server.ask("POST", *ENDPOINTS["spring"]).json["token"]
        table = {
            f"Bearer {token}": 200, f"bearer {token}": 401, "": 401, "Bearer": 401, f"Basic {token}": 401, token: 401,
            f"Bearer\t{token}": 401, f"Bearer {token}, Bearer {token}": 403, f"Bearer {token} x": 403,
            "Bearer " + "x" * 9000: 403, f"Bearer {token}.": 403, f"Bearer {token}=": 403,
        }
        for header, status in table.items():
            with self.subTest(header[:60]):
                answer = server.ask("GET", "/api/user/hey", headers={"Authorization": header})
                self.assertIn(answer.status, (status,) if status == 200 else (401, 403))
                if status != 200:
                    self.assertIn(answer.json["code"], (106, 107))

    def test_http2(self):
        for dialect, path, good in self.each():
            with self.subTest(dialect):
                wrong = json.dumps(good | {"password": "87654321"})
                done = subprocess.run(
                    ["curl", "-s", "--http2", "--cacert", str(server.certificate),
                     "-H", "Content-Type: application/json", "-w", "\n%{http_version} %{http_code}", "-d", wrong,
                     f"https://localhost:{server.tls_port}{path}"],
                    capture_output=True, text=True, timeout=30, env=support.environment(),
                )
                body, version = done.stdout.rsplit("\n", 1)
                version, status = version.split()
                self.assertEqual(version, "2")
                spring = dialect == "spring" and '"code":102' in body
                self.assertTrue(spring or is_shaped(dialect, int(status), body), body)


class Secrets(unittest.TestCase):
    """LO-01: passwords and tokens stay out of the log, at its most talkative."""

    def test_no_secret_is_logged(self):
        canary, email = support.CANARY, "canary@example.com"
        secrets = {canary, "x" * 300}
        register = {"name": "Canary", "email": email, "password": canary, "password_confirmation": canary}
        # HTTPS, HTTP/2 and plain HTTP log by other targets.
        data = server.ask("POST", "/api/v1/register", register, tls=True).json["data"]
        secrets |= {data["access_token"], data["refresh_token"]}
        answer = server.ask("POST", "/api/v1/token/refresh", {"refresh_token": data["refresh_token"]}, tls=True)
        data = answer.json["data"]
        secrets |= {data["access_token"], data["refresh_token"]}
        body = json.dumps({"email": email, "password": canary})
        done = subprocess.run(
            ["curl", "-s", "--http2", "--cacert", str(server.certificate), "-H", "Content-Type: application/json",
             "-d", body, f"https://localhost:{server.tls_port}/api/login"],
            capture_output=True, text=True, timeout=30, env=support.environment(),
        )
        token = json.loads(done.stdout)["token"]
        secrets.add(token)
        for more in (["--http2"], ["--http1.1"]):
            done = subprocess.run(
                ["curl", "-s", *more, "--cacert", str(server.certificate), "-H", f"Authorization: Bearer {token}",
                 f"https://localhost:{server.tls_port}/api/user/hey"],
                capture_output=True, text=True, timeout=30, env=support.environment(),
            )
            self.assertIn(email, done.stdout)
        for path, body in (
            ("/v1/customer/login", {"email": email, "password": canary}),
            ("/api/v1/auth/login", {"user": email, "password": canary}),
            ("/api/ps/auth", {"deviceId": "d", "email": "guest@keygenqt.com", "password": "12345678"}),
            ("/api/ps/login", {"deviceId": "d", "email": email, "password": canary}),
            # The password in the wrong place, in a broken body, in a body that is too large.
            ("/api/login", '{"email": "a@example.com", "password": "%s' % canary),
            ("/api/login", {"email": "a@example.com", "password": canary * 1000}),
            ("/api/v1/login", {"email": email, "password": [canary]}),
            ("/api/v1/password/reset", {"email": email, "token": canary, "password": canary}),
            ("/api/v1/token/refresh", {"refresh_token": canary}),
        ):
            answer = server.ask("POST", path, body)
            secrets |= set(re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+|def50200[0-9a-f]{32,}", answer.text))
            secrets |= set(re.findall(r"(?:__Host-session=)([\w.-]+)", answer.header("Set-Cookie") or ""))
        server.ask("GET", f"/api/user/hey?token={token}&password={canary}", headers=bearer(token))
        server.ask("POST", "/api/v1/logout", {"token": data["refresh_token"]}, bearer(data["access_token"]))
        server.ask("POST", "/api/v1/password/email", {"email": email})
        mail = support.until(lambda: list((server.data / "mail").glob("*.eml")))
        found = re.findall(r"[\w-]{40,}", mail[0].read_text())
        self.assertTrue(found, mail[0].read_text())
        secrets |= set(found)
        self.assertGreaterEqual(len(secrets), 12)
        log = server.log()
        self.assertIn("TRACE", log)
        self.assertIn("outcome=\"signed_in\"", re.sub(r"\x1b\[[0-9;]*m", "", log))
        for secret in secrets:
            # A token's signature alone would do for whoever knows the rest.
            for part in {secret, secret.split(".")[-1]}:
                self.assertNotIn(part, log)


def head(path, *lines):
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *lines, "", ""]).encode()


def read_all(connection):
    received = b""
    while chunk := connection.recv(65536):
        received += chunk
    return received


def parse(received):
    top, _, body = received.partition(b"\r\n\r\n")
    status, *lines = top.decode().split("\r\n")
    return support.Answer(int(status.split()[1]), [tuple(line.split(": ", 1)) for line in lines], body)


def raw(path, body):
    """As a client that asks first whether its large body is wanted."""
    with socket.create_connection((server.host, server.port), timeout=10) as connection:
        connection.sendall(head(path, f"Content-Length: {len(body)}", "Expect: 100-continue"))
        received = read_all(connection)
        if received.startswith(b"HTTP/1.1 100"):
            raise AssertionError("the server wants a body of 1 MiB")
        return parse(received)


if __name__ == "__main__":
    unittest.main()
