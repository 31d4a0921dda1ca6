"""Requests that another site's page causes, and secrets in paths, over real connections."""

import json
import subprocess
import unittest

import support

OWN = "https://app.example"
CONFIG = f"""
[log]
level = "trace"

[http]
cors_origins = ["{OWN}"]

[https]
self_signed = true

[dialects]
folder = "FOLDER"
"""
DIALECT = """
dialect  = "by_path"
insecure = ["secret_in_path"]

[token.access]
algorithm = "HS256"
header    = '{ "alg": "{alg}" }'
claims    = '{ "sub": "{user.id|text}", "sid": "{session.id}", "exp": "{access.expires_at}" }'
lifetime  = "1h"

[on.identified]

[on.error]

[[endpoint]]
name      = "who"
route     = "GET /who/{token}"
operation = "userinfo"
from      = { access_token = "path token" }
"""


def setUpModule():
    global server
    folder = support.folder()
    (folder / "by_path").mkdir()
    (folder / "by_path" / "dialect.toml").write_text(DIALECT)
    server = support.Server(config=CONFIG.replace("FOLDER", str(folder))).start()


def tearDownModule():
    server.stop()


class CrossSite(unittest.TestCase):
    """HD-04: the login that sets a cookie. Nobody has that password, so who gets through is told so."""

    def status(self, version, headers):
        body = json.dumps({"deviceId": "d", "email": "nobody@example.com", "password": "87654321"})
        sent = [part for header in headers for part in ("-H", header)]
        done = subprocess.run(
            ["curl", "-s", version, "--cacert", str(server.certificate), "-H", "Content-Type: application/json", *sent,
             "-w", "\n%{http_version} %{http_code}", "-d", body, f"https://localhost:{server.tls_port}/api/ps/auth"],
            capture_output=True, text=True, timeout=30, env=support.environment(),
        )
        used, status = done.stdout.rsplit("\n", 1)[1].split()
        self.assertEqual(f"--http{used}", version)
        return int(status)

    def test_only_our_own_pages_get_a_cookie(self):
        ours = f"Origin: https://localhost:{server.tls_port}"
        table = (
            ([], 400),
            ([ours], 400),
            (["Sec-Fetch-Site: same-origin", ours], 400),
            (["Sec-Fetch-Site: cross-site", f"Origin: {OWN}"], 400),
            (["Sec-Fetch-Site: same-site", ours], 403),
            (["Sec-Fetch-Site: cross-site"], 403),
            (["Origin: https://evil.example"], 403),
            (["Origin: https://localhost"], 403),
            (["Origin: null"], 403),
        )
        for version in ("--http1.1", "--http2"):
            for headers, status in table:
                with self.subTest(version=version, headers=headers):
                    self.assertEqual(self.status(version, headers), status)


class Cors(unittest.TestCase):
    """HD-02: pages of the origins that are named, and of no others, are told what the dialect reads and writes."""

    def headers(self, path, *sent):
        done = subprocess.run(
            ["curl", "-s", "-i", "--cacert", str(server.certificate), *sent, f"https://localhost:{server.tls_port}{path}"],
            capture_output=True, text=True, timeout=30, env=support.environment(),
        )
        head = done.stdout.replace("\r", "").split("\n\n")[0].lower().splitlines()[1:]
        return dict(line.split(": ", 1) for line in head)

    def preflight(self, path, origin):
        return self.headers(path, "-X", "OPTIONS", "-H", f"Origin: {origin}", "-H", "Access-Control-Request-Method: POST")

    def test_a_preflight_tells_what_the_dialect_reads(self):
        told = self.preflight("/api/ps/auth", OWN)
        self.assertEqual(told["access-control-allow-origin"], OWN)
        self.assertEqual(told["access-control-allow-credentials"], "true")
        self.assertEqual(told["access-control-allow-headers"], "accept, authorization, content-type")
        self.assertNotIn("access-control-allow-credentials", self.preflight("/api/login", OWN))
        self.assertIn("athorization", self.preflight("/api/v1/auth/refresh", OWN)["access-control-allow-headers"])

    def test_others_are_told_nothing(self):
        for path in ("/api/ps/auth", "/nothing"):
            told = self.preflight(path, "https://evil.example")
            self.assertFalse([name for name in told if name.startswith("access-control")], told)

    def test_an_answer_shows_its_own_headers(self):
        told = self.headers("/api/user/hey", "-H", f"Origin: {OWN}")
        self.assertIn("x-xss-protection", told["access-control-expose-headers"])


class SecretInPath(unittest.TestCase):
    """LO-01: what is a secret stays out of the log, also where the dialect has it in the path."""

    def test_the_log_has_the_pattern(self):
        for method, status in (("GET", 401), ("POST", 405)):
            self.assertEqual(server.ask(method, f"/who/{support.CANARY}").status, status)
        log = server.log()
        self.assertNotIn(support.CANARY, log)
        self.assertIn("/who/{token}", log)
        self.assertIn("secret_in_path", log)


if __name__ == "__main__":
    unittest.main()
