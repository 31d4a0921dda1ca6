"""The requests of the five documents, as they are written there, against a running `myna demo`.

Only the address is replaced, and tokens where the document's own is years old. What varies in an answer is taken from
the answer itself; everything else is compared to the byte.
"""

import re
import socket
import subprocess
import time
import unittest

import support
from support import bearer, compact

CURL_LOGIN = (
    "curl -v --url http://127.0.0.1:9080/api/login --header 'content-type: application/json' "
    """--data '{"email": "foo@gmail.com", "password": "foo"}'"""
)
CURL_WRONG_PASSWORD = CURL_LOGIN.replace('"password": "foo"', '"password": "bar"')
OLD_TOKEN = (
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJmb29AZ21haWwuY29tIiwiZXhwIjoxNTY2MTMxMTk0fQ."
    "jlhGIbmCCBuOEBWDZw4BKLSXbSI4jeE9-qD5J8OePew"
)
CURL_HEY = (
    "curl -v --request GET --url http://127.0.0.1:9080/api/user/hey "
    f"--header 'authorization: Bearer {OLD_TOKEN}' --header 'content-type: application/json'"
)
CURL_HEY_WRONG = CURL_HEY.replace("OePew'", "OePew_bar'")

SECURITY_HEADERS = [
    ("x-content-type-options", "nosniff"),
    ("x-xss-protection", "1; mode=block"),
    ("cache-control", "no-cache, no-store, max-age=0, must-revalidate"),
    ("pragma", "no-cache"),
    ("expires", "0"),
    ("x-frame-options", "DENY"),
]

FETCH = """\
await fetch('/api/ps/login', {
    method: 'POST',
    headers: {
        'Content-Type': 'application/json'
    },
    body: JSON.stringify({
        deviceId: 'Unique key',
        email: 'guest@keygenqt.com',
        password: '12345678'
    })
}).then(async (response) => {
    console.log(response)
})
"""

PORTAL_LOGIN = """\
POST /api/v1/auth/login HTTP/1.1
Accept: application/json

{
  "user":"testuser",
  "password":"111111"
}
"""
# The document's second example asks the login path and misspells its header.
PORTAL_REFRESH = """\
POST /api/v1/auth/login HTTP/1.1
Accept: application/json
Athorization: Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9..

{
  "refresh_token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.eyJleHAiOjE1NDQxNzcxOTAsI..."
}
"""

demo = None


def setUpModule():
    global demo
    demo = support.Server("demo").start()


def tearDownModule():
    status = demo.stop()
    assert status == 0, f"the demo ended with {status}:\n{demo.log()}"


class CurlAnswer:
    """What curl printed: the status line's number, headers in lower case, the body."""

    def __init__(self, line):
        # Else curl draws its progress between the lines that are read here.
        home = support.folder()
        (home / ".curlrc").write_text("no-progress-meter\n")
        environment = support.environment(CURL_HOME=str(home))
        done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=30, env=environment)
        assert done.returncode == 0, f"{line}\n{done.stderr.decode()}"
        received = [text[2:] for text in done.stderr.decode().splitlines() if text.startswith("< ")]
        self.body = done.stdout
        self.status = int(received[0].split()[1])
        self.headers = [tuple(text.split(": ", 1)) for text in received[1:] if ": " in text]
        self.headers = [(name.lower(), value) for name, value in self.headers]


def here(line):
    return line.replace("127.0.0.1:9080", f"127.0.0.1:{demo.port}")


def assert_spring_login(test, answer):
    """The document's body with this answer's token and time."""
    value = support.json.loads(answer.body)
    test.assertRegex(value["token"], r"^eyJhbGciOiJIUzI1NiJ9\.[\w-]+\.[\w-]+$")
    test.assertGreater(value["expirationTs"], time.time())
    expected = (
        '{"token":"%s","tokenPrefix":"Bearer ","tokenHeader":"Authorization","expirationTs":%d,"user":{"id":7,'
        '"lastName":null,"firstName":"Alex","middleName":null,"email":"foo@gmail.com","role":{"id":2,"name":"User",'
        '"applicationRole":["USER"]},"photo":null,"status":"ACTIVE"}}'
    ) % (value["token"], value["expirationTs"])
    test.assertEqual(answer.body.decode(), expected)
    return value["token"]


class Text(unittest.TestCase):
    """The texts in this file are the documents' own."""

    def setUp(self):
        if not support.DOCUMENTS.is_dir():
            self.skipTest("the documents are not beside this repository")

    def test_every_curl_line_is_run(self):
        text = (support.DOCUMENTS / "spring.md").read_text()
        lines = [line for line in text.splitlines() if line.startswith("curl ")]
        self.assertEqual(lines, [CURL_LOGIN, CURL_WRONG_PASSWORD, CURL_HEY, CURL_HEY_WRONG])

    def test_the_snippet_is_the_documents(self):
        self.assertIn(FETCH, (support.DOCUMENTS / "ktor.md").read_text())

    def test_the_raw_requests_are_the_documents(self):
        text = (support.DOCUMENTS / "portal.rst").read_text()
        blocks = re.findall(r"sourcecode:: http\n\n((?:    .*\n|\n(?=    ))+)", text)
        requests = [re.sub(r"(?m)^    ", "", block) for block in blocks if "POST" in block]
        self.assertEqual(requests, [PORTAL_LOGIN, PORTAL_REFRESH])


class Spring(unittest.TestCase):
    def test_login(self):
        answer = CurlAnswer(here(CURL_LOGIN))
        self.assertEqual(answer.status, 200)
        assert_spring_login(self, answer)
        self.assert_security_headers(answer)

    def test_login_fails(self):
        answer = CurlAnswer(here(CURL_WRONG_PASSWORD))
        self.assertEqual(answer.status, 401)
        self.assertEqual(
            answer.body, b'{"code":102,"description":"User with the specified email and password doesn\'t exist"}'
        )
        self.assert_security_headers(answer)

    def test_hey(self):
        token = assert_spring_login(self, CurlAnswer(here(CURL_LOGIN)))
        answer = CurlAnswer(here(CURL_HEY).replace(OLD_TOKEN, token))
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, b"Hey foo@gmail.com! Your id is '7'")
        self.assert_security_headers(answer)
        self.assertIn(("content-type", "text/plain;charset=UTF-8"), answer.headers)
        self.assertIn(("content-length", "33"), answer.headers)
        self.assertEqual([name for name, _ in answer.headers if name == "date"], ["date"])

    def test_hey_with_a_wrong_token(self):
        token = assert_spring_login(self, CurlAnswer(here(CURL_LOGIN)))
        # The document's two old tokens, then one that only lacks its right signature.
        for line in (CURL_HEY, CURL_HEY_WRONG, CURL_HEY.replace(OLD_TOKEN, f"{token}_bar")):
            with self.subTest(line):
                answer = CurlAnswer(here(line))
                self.assertEqual(answer.status, 403)
                self.assertEqual(answer.body, b'{"code":106,"description":"Access denied"}')
                self.assert_security_headers(answer)
                self.assertNotIn("content-type", dict(answer.headers))

    def test_hey_without_a_token(self):
        answer = demo.ask("GET", "/api/user/hey")
        self.assertEqual((answer.status, answer.body), (
            401, b'{"code":107,"description":"Full authentication is required"}'
        ))

    def test_bodies_that_are_none(self):
        # The comments and the comma of the document's request are notes for the reader.
        notes = '{\n\t"email": "foo@gmail.com",\t// mandatory\n\t"password": "foo",\t\t// mandatory\n}'
        for body in (None, "", notes, "null", "[]"):
            with self.subTest(body):
                answer = demo.ask("POST", "/api/login", body)
                self.assertEqual((answer.status, answer.body), (
                    400, b'{"code":103,"description":"Request body is null"}'
                ))

    def test_registration(self):
        form = {
            "email": "spring@example.com", "password": support.CANARY, "passwordConfirm": support.CANARY,
            "firstName": "Ada", "middleName": "", "lastName": "Lovelace",
        }
        self.assertEqual(demo.ask("POST", "/api/registration", form).status, 200)
        table = [
            (form, 409, b'{"code":100,"description":"User with the specified email already exists"}'),
            (form | {"email": "x@example.com", "passwordConfirm": "other"}, 400,
             b'{"code":101,"description":"Passwords don\'t match"}'),
            (form | {"email": "none"}, 400, b'{"code":104,"description":"Registration failed"}'),
        ]
        for body, status, expected in table:
            with self.subTest(expected):
                answer = demo.ask("POST", "/api/registration", body)
                self.assertEqual((answer.status, answer.body), (status, expected))

    def assert_security_headers(self, answer):
        names = [name for name, _ in SECURITY_HEADERS]
        self.assertEqual([pair for pair in answer.headers if pair[0] in names], SECURITY_HEADERS)


class AsWritten(unittest.TestCase):
    """Nothing at all replaced: a demo without a flag."""

    def test_the_documents_own_ports(self):
        for port in (9080, 8443):
            if not support.is_free(port):
                self.skipTest(f"port {port} is taken")
        temporary = support.folder()
        process = subprocess.Popen(
            [support.BINARY, "demo"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=temporary,
            env=support.environment(TMPDIR=str(temporary)),
        )
        support.running.add(process)
        try:
            self.assertTrue(support.until(lambda: not support.is_free(9080) and not support.is_free(8443)))
            assert_spring_login(self, CurlAnswer(CURL_LOGIN))
            self.assertEqual(CurlAnswer(CURL_WRONG_PASSWORD).status, 401)
            self.assertEqual(CurlAnswer(CURL_HEY).status, 403)
            self.assertEqual(CurlAnswer(CURL_HEY_WRONG).status, 403)
            body = '{"email": "admin@example.com", "password": "123456"}'
            certificate, = temporary.glob("*/dev-cert.pem")
            answer = CurlAnswer(
                f"curl -v --cacert {certificate} https://localhost:8443/api/v1/login "
                "-H 'Content-Type: application/json' "
                f"-H 'Accept: application/json' -d '{body}'"
            )
            self.assertEqual(answer.status, 200)
        finally:
            process.terminate()
            self.assertEqual(process.wait(support.STOP_SECONDS_MAX), 0)
        self.assertEqual(list(temporary.iterdir()), [], "the demo left its temporary folder behind")


class Introduction(unittest.TestCase):
    """What the demo prints is made to be pasted."""

    def test_every_printed_curl_works(self):
        text = support.until(lambda: (text := demo.out_path.read_text()).count("Ctrl-C") and text)
        self.assertTrue(text, "the demo printed no introduction")
        lines = re.findall(r"(?m)^\s*(curl (?:.*\\\n)*.*)$", text)
        self.assertGreaterEqual(len(lines), 5, text)
        for line in lines:
            with self.subTest(line):
                answer = CurlAnswer(line.replace("curl ", "curl -v ", 1))
                self.assertEqual(answer.status, 200)
        self.assertIn(str(demo.data / "mail"), text)


class Passport(unittest.TestCase):
    """Over HTTPS with the development certificate, as the document's addresses say."""

    def curl(self, path, body, *headers):
        more = " ".join(f"-H '{header}'" for header in headers)
        return CurlAnswer(
            f"curl -sv --cacert {demo.certificate} https://localhost:{demo.tls_port}/api/v1/{path} "
            f"-H 'Content-Type: application/json' -H 'Accept: application/json' {more} -d '{support.json.dumps(body)}'"
        )

    def assert_tokens(self, answer):
        self.assertEqual(answer.status, 200)
        data = support.json.loads(answer.body)["data"]
        begin = "eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiIsImp0aSI6I[jm]"
        self.assertRegex(data["access_token"], rf"^{begin}[\w-]+\.[\w-]+\.[\w-]+$")
        self.assertRegex(data["refresh_token"], r"^def50200[0-9a-f]{64,}$")
        self.assertEqual(answer.body, (
            '{"data":{"token_type":"Bearer","expires_in":31622400,"access_token":"%s","refresh_token":"%s"},'
            '"message":"","errors":{},"code":200}' % (data["access_token"], data["refresh_token"])
        ).encode())
        return data

    def test_login_refresh_logout(self):
        login = self.assert_tokens(self.curl("login", {"email": "admin@example.com", "password": "123456"}))
        data = self.assert_tokens(self.curl("token/refresh", {"refresh_token": login["refresh_token"]}))
        self.assertNotEqual(data["refresh_token"], login["refresh_token"])
        authorization = f"Authorization: Bearer {data['access_token']}"
        answer = self.curl("logout", {"token": data["refresh_token"]}, authorization)
        self.assertEqual((answer.status, answer.body), (
            200, b'{"data":null,"message":"Logout success.","errors":{},"code":200}'
        ))

    def test_register(self):
        form = {
            "name": "Ada Lovelace", "email": "passport@example.com", "password": support.CANARY,
            "password_confirmation": support.CANARY,
        }
        self.assert_tokens(self.curl("register", form))

    def test_reset_mail_is_announced(self):
        # LG-04
        for email in ("admin@example.com", "nobody@example.com"):
            with self.subTest(email):
                answer = self.curl("password/email", {"email": email})
                self.assertEqual((answer.status, answer.body), (
                    200, b'{"data":true,"message":"We have e-mailed your password reset link!","errors":{},"code":200}'
                ))

    def test_failures(self):
        unauthorized = (
            b'{"code":401,"data":null,"message":"These credentials do not match our records.","errors":{}}'
        )
        invalid = b'{"code":422,"data":null,"message":"","errors":{%s}}'
        table = [
            ("login", {"email": "admin@example.com", "password": "wrong"}, 401, unauthorized),
            ("token/refresh", {"refresh_token": "def50200dabd06deba0d3355ec62f5d2b96501cf"}, 401, unauthorized),
            ("login", {"email": "admin", "password": ""}, 422, invalid % (
                b'"email":["The email must be a valid email address."],'
                b'"password":["The password field is required."]'
            )),
            ("register", {"email": "new@example.com"}, 422, invalid % (
                b'"name":["The name field is required."],"password":["The password field is required."]'
            )),
            ("password/reset", {
                "email": "admin@example.com", "token": "none", "password": support.CANARY,
                "password_confirmation": support.CANARY,
            }, 422, invalid % b'"token":["This password reset token is invalid."]'),
        ]
        for path, body, status, expected in table:
            with self.subTest(path=path, body=body):
                answer = self.curl(path, body)
                self.assertEqual((answer.status, answer.body), (status, expected))


class Ktor(unittest.TestCase):
    def test_the_snippet(self):
        before = (
            f"const base = 'http://127.0.0.1:{demo.port}';\n"
            "const plain = globalThis.fetch;\n"
            "let body;\n"
            "globalThis.fetch = async (path, options) => {\n"
            "  const response = await plain(base + path, options);\n"
            "  body = { status: response.status, text: await response.clone().text() };\n"
            "  return response;\n"
            "};\n"
            "console.log = () => {};\n"
        )
        printed = support.json.loads(support.node(before + FETCH + "process.stdout.write(JSON.stringify(body));\n"))
        self.assertEqual(printed["status"], 200)
        value = support.json.loads(printed["text"])
        for member in ("token", "refreshToken"):
            self.assertRegex(value[member], r"^eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9\.[\w-]+\.[\w-]{86}$")
        self.assertEqual(printed["text"], (
            '{"id":1,"email":"guest@keygenqt.com","role":"GUEST","token":"%s","refreshToken":"%s"}'
            % (value["token"], value["refreshToken"])
        ))

    def test_failures(self):
        good = {"deviceId": "Unique key", "email": "guest@keygenqt.com", "password": "12345678"}
        size = (
            b'{"code":422,"message":"Unprocessable Entity","validate":'
            b'[{"filed":"password","errors":["Size must be between 8 and 12"]}]}'
        )
        table = [
            (good | {"password": "87654321"}, 400, b'{"code":400,"message":"Bad Request"}'),
            (good | {"email": "nobody@example.com"}, 400, b'{"code":400,"message":"Bad Request"}'),
            (good | {"password": "short"}, 422, size),
            (good | {"password": "1234567890123"}, 422, size),
        ]
        for body, status, expected in table:
            with self.subTest(body):
                answer = demo.ask("POST", "/api/ps/login", body)
                self.assertEqual((answer.status, answer.body), (status, expected))


class Portal(unittest.TestCase):
    """The document's requests over a bare socket. It leaves out only what HTTP/1.1 cannot do without."""

    def send(self, request):
        head, body = request.encode().split(b"\n\n", 1)
        lines = [*head.split(b"\n"), b"Host: portal.example", b"Connection: close", b"Content-Length: %d" % len(body)]
        with socket.create_connection((demo.host, demo.port), timeout=30) as connection:
            connection.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + body)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        head, body = received.split(b"\r\n\r\n", 1)
        status, *headers = head.decode().split("\r\n")
        self.assertTrue(status.startswith("HTTP/1.1 "), status)
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in headers)}
        return int(status.split()[1]), headers, body

    def login(self):
        status, headers, body = self.send(PORTAL_LOGIN)
        self.assertEqual(status, 200, body)
        self.assertEqual(headers["content-type"], "application/json")
        result = support.json.loads(body)["result"]
        for member in ("access_token", "refresh_token"):
            self.assertRegex(result[member], r"^eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9\.eyJleHAiO[\w-]+\.[\w-]+$")
        self.assertEqual(body, (
            '{"code":0,"result":{"token_type":"Bearer","access_token":"%s","access_token_expires_in":1800,'
            '"refresh_token":"%s","refresh_token_expires_in":14400},"redirect":"pw/reset"}'
            % (result["access_token"], result["refresh_token"])
        ).encode())
        return result

    def test_login(self):
        self.login()

    def test_refresh(self):
        tokens = self.login()
        # As it stands the request asks the login path, which wants a user and a password.
        status, _, body = self.send(PORTAL_REFRESH)
        value = support.json.loads(body)
        self.assertEqual((status, value["code"], value["result"]["code"], value["redirect"]), (400, 400, 400, ""))
        self.assertEqual(list(value["result"]), ["code", "error", "desc"])
        for header in ("Athorization", "Authorization"):
            with self.subTest(header):
                request = PORTAL_REFRESH.replace("auth/login", "auth/refresh").replace("Athorization", header)
                request = request.replace("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9..", tokens["access_token"], 1)
                request = re.sub(r'"refresh_token":".*"', f'"refresh_token":"{tokens["refresh_token"]}"', request)
                status, _, body = self.send(request)
                self.assertEqual(status, 200, body)
                tokens = support.json.loads(body)["result"]
                self.assertTrue(body.startswith(b'{"result":{"code":0,"desc":"Ok","token_type":"Bearer",'), body)
                self.assertEqual(list(tokens), [
                    "code", "desc", "token_type", "access_token", "access_token_expires_in", "refresh_token",
                    "refresh_token_expires_in",
                ])

    def test_failure(self):
        status, _, body = self.send(PORTAL_LOGIN.replace("111111", "222222"))
        value = support.json.loads(body)
        self.assertEqual(body, compact(value))
        self.assertEqual((status, value["code"], value["result"]["code"], value["redirect"]), (401, 401, 401, ""))
        self.assertEqual(list(value["result"]), ["code", "error", "desc"])

    def test_accept_is_honoured(self):
        status, _, body = self.send(PORTAL_LOGIN.replace("Accept: application/json", "Accept: text/html"))
        self.assertEqual((status, support.json.loads(body)["code"]), (406, 406))


class Gateway(unittest.TestCase):
    LOGIN = {"email": "customer@example.com", "password": "secret-123"}

    def assert_login(self, answer):
        self.assertEqual(answer.status, 200, answer.body)
        jwt = answer.json["jwt"]
        now = time.time()
        self.assertAlmostEqual(jwt["refresh_after"] - now, (jwt["access_expire"] - now) / 2, delta=5)
        self.assertEqual(answer.text, (
            '{"customer":{"email":"customer@example.com","firstName":"Carol","id":4,"lastName":"Customer",'
            '"password":""},"jwt":{"access_expire":%d,"access_token":"%s","refresh_after":%d},"statusCode":200,'
            '"statusMessage":"OK"}' % (jwt["access_expire"], jwt["access_token"], jwt["refresh_after"])
        ))
        return jwt["access_token"]

    def test_login_and_refresh(self):
        token = self.assert_login(demo.ask("POST", "/v1/customer/login", self.LOGIN))
        # "Enter JWT Bearer token only" reads both ways.
        for headers in (bearer(token), {"Authorization": token}):
            with self.subTest(headers):
                self.assert_login(demo.ask("POST", "/v1/customer/refresh", headers=headers))

    def test_failures(self):
        table = [
            (demo.ask("POST", "/v1/customer/login", self.LOGIN | {"password": "wrong"}), 401),
            (demo.ask("POST", "/v1/customer/login", self.LOGIN | {"email": "nobody@example.com"}), 401),
            (demo.ask("POST", "/v1/customer/login", {}), 400),
            (demo.ask("POST", "/v1/customer/refresh", headers=bearer("a.b.c")), 401),
        ]
        reasons = {400: "Bad Request", 401: "Unauthorized"}
        for answer, status in table:
            with self.subTest(answer.body):
                self.assertEqual(answer.status, status)
                self.assertEqual(answer.json, {"statusCode": status, "statusMessage": reasons[status]})


if __name__ == "__main__":
    unittest.main()
