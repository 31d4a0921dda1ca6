"""Tokens of each dialect, read by libraries that are not ours (PyJWT, jose), against keys that are known outside."""

import base64
import json
import secrets
import time
import unittest

import jwt
import support
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from support import bearer

server = None
SECRETS = {
    ("spring", "access"): secrets.token_hex(32),
    ("gateway", "access"): secrets.token_hex(32),
    ("portal", "access"): secrets.token_hex(32),
    ("portal", "refresh"): secrets.token_hex(32),
    ("ktor", "access"): secrets.token_hex(64),
    ("ktor", "refresh"): secrets.token_hex(64),
}
EMAIL, PASSWORD = "guest@keygenqt.com", "12345678"


def setUpModule():
    global server
    server = support.Server("demo").start()
    for (dialect, use), secret in SECRETS.items():
        # While the server runs: it takes the new key up by itself.
        more = ("--dialect", dialect, "--use", use, "--data", server.data)
        support.run("key", "import", "-", *more, stdin=f"{secret}\n")

    def taken_up():
        return all(verifies(token, SECRETS[key]) for key, token in hs_tokens().items())

    assert support.until(taken_up), f"the server did not take up the imported keys:\n{server.log()}"


def tearDownModule():
    server.stop()


def verifies(token, secret):
    try:
        jwt.decode(token, secret, algorithms=["HS256", "HS512"])
    except jwt.InvalidSignatureError:
        return False
    return True


def login(path, body):
    answer = server.ask("POST", path, body)
    assert answer.status == 200, answer.body
    return answer.json


def hs_tokens():
    """A fresh token of each kind that is signed with a shared secret."""
    credentials = {"email": EMAIL, "password": PASSWORD}
    portal = login("/api/v1/auth/login", {"user": EMAIL, "password": PASSWORD})["result"]
    ktor = login("/api/ps/login", credentials | {"deviceId": "foreign"})
    return {
        ("spring", "access"): login("/api/login", credentials)["token"],
        ("gateway", "access"): login("/v1/customer/login", credentials)["jwt"]["access_token"],
        ("portal", "access"): portal["access_token"],
        ("portal", "refresh"): portal["refresh_token"],
        ("ktor", "access"): ktor["token"],
        ("ktor", "refresh"): ktor["refreshToken"],
    }


def passport_token():
    return login("/api/v1/login", {"email": EMAIL, "password": PASSWORD})["data"]["access_token"]


def raw(token):
    """Header and claims as they were written."""
    parts = token.split(".")[:2]
    return [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode() for part in parts]


class SharedSecrets(unittest.TestCase):
    # Header to the byte; the claims that the document's own token shows come first, and what varies is a pattern.
    SHAPES = {
        ("spring", "access"): ('{"alg":"HS256"}', rf'\{{"sub":"{EMAIL}","exp":\d+\}}'),
        ("gateway", "access"): (
            '{"alg":"HS256","typ":"JWT"}', r'\{"exp":\d+,"iat":\d+,"customerId":1,"sid":"[\w.-]+"\}'
        ),
        ("portal", "access"): ('{"typ":"JWT","alg":"HS256"}', r'\{"exp":\d+,"sub":"\d+","sid":"[\w.-]+"\}'),
        ("portal", "refresh"): ('{"typ":"JWT","alg":"HS256"}', r'\{"exp":\d+,"sub":"\d+","jti":"[\w.-]+"\}'),
        ("ktor", "access"): (
            '{"typ":"JWT","alg":"HS512"}',
            r'\{"sub":"Authentication","iss":"ktor.io","id":1,"exp":\d+,"sid":"[\w.-]+"\}',
        ),
        ("ktor", "refresh"): (
            '{"typ":"JWT","alg":"HS512"}', r'\{"sub":"Refresh","iss":"ktor.io","id":1,"iat":\d+,"jti":"[\w.-]+"\}'
        ),
    }
    ALGORITHM = {"ktor": "HS512"}

    def test_pyjwt(self):
        for key, token in hs_tokens().items():
            with self.subTest(key):
                algorithm = self.ALGORITHM.get(key[0], "HS256")
                jwt.decode(token, SECRETS[key], algorithms=[algorithm])
                with self.assertRaises(jwt.InvalidSignatureError):
                    jwt.decode(token, SECRETS[key][::-1], algorithms=[algorithm])

    def test_jose(self):
        table = [
            {"token": token, "secret": SECRETS[key], "algorithm": self.ALGORITHM.get(key[0], "HS256")}
            for key, token in hs_tokens().items()
        ]
        printed = support.node(
            f"import {{ jwtVerify }} from '{support.TOOLS}/node_modules/jose/dist/webapi/index.js';\n"
            f"for (const {{ token, secret, algorithm }} of {support.json.dumps(table)}) {{\n"
            "  await jwtVerify(token, new TextEncoder().encode(secret), { algorithms: [algorithm] });\n"
            "  console.log('verified');\n"
            "}\n"
        )
        self.assertEqual(printed.split(), ["verified"] * len(table))

    def test_header_and_claims(self):
        for key, token in hs_tokens().items():
            with self.subTest(key):
                header, claims = raw(token)
                self.assertEqual(header, self.SHAPES[key][0])
                self.assertRegex(claims, f"^{self.SHAPES[key][1]}$")

    def test_lifetimes(self):
        now = time.time()
        lifetimes = {("portal", "access"): 1800, ("portal", "refresh"): 14400}
        for key, token in hs_tokens().items():
            claims = jwt.decode(token, SECRETS[key], algorithms=["HS256", "HS512"])
            if key in lifetimes:
                self.assertAlmostEqual(claims["exp"] - now, lifetimes[key], delta=10)


class Passport(unittest.TestCase):
    def jwks(self):
        answer = server.ask("GET", "/.well-known/jwks.json")
        self.assertEqual(answer.status, 200)
        return answer.json

    def test_jwks_shows_public_keys_only(self):  # KY-02
        keys = self.jwks()["keys"]
        self.assertTrue(keys)
        for key in keys:
            self.assertEqual(key["kty"], "RSA")
            self.assertLessEqual(set(key), {"kty", "n", "e", "kid", "alg", "use"})

    def test_pyjwt(self):
        token = passport_token()
        keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict(self.jwks()).keys}
        key = keys[jwt.get_unverified_header(token)["kid"]]
        claims = jwt.decode(token, key.key, algorithms=["RS256"], audience="1")
        self.assertEqual(claims["sub"], "1")
        self.assertAlmostEqual(claims["exp"] - time.time(), 31622400, delta=10)
        with self.assertRaises(jwt.InvalidSignatureError):
            jwt.decode(token[:-6] + "AAAAAA", key.key, algorithms=["RS256"], audience="1")

    def test_jose(self):
        printed = support.node(
            "import { createRemoteJWKSet, jwtVerify } from "
            f"'{support.TOOLS}/node_modules/jose/dist/webapi/index.js';\n"
            f"const keys = createRemoteJWKSet(new URL('http://127.0.0.1:{server.port}/.well-known/jwks.json'));\n"
            f"const {{ payload }} = await jwtVerify('{passport_token()}', keys, "
            "{ algorithms: ['RS256'], audience: '1' });\n"
            "console.log(payload.sub);\n"
        )
        self.assertEqual(printed.strip(), "1")

    def test_header_and_claims(self):
        header, claims = raw(passport_token())
        self.assertRegex(header, r'^\{"typ":"JWT","alg":"RS256","jti":"[0-9a-f]+","kid":"[\w.-]+"\}$')
        self.assertRegex(
            claims,
            r'^\{"aud":"1","jti":"[0-9a-f]+","iat":\d+,"nbf":\d+,"exp":\d+,"sub":"1","scopes":\[\],"sid":"[\w.-]+"\}$',
        )


class Forged(unittest.TestCase):
    """Tokens that a foreign library made, good ones and bad ones."""

    def hey(self, token):
        answer = server.ask("GET", "/api/user/hey", headers=bearer(token))
        return answer.status, answer.text

    def claims(self):
        """The claims of a token whose session lives."""
        return json.loads(raw(login("/api/login", {"email": "foo@gmail.com", "password": "foo"})["token"])[1])

    def test_the_claims_of_a_session_are_good(self):
        token = jwt.encode(self.claims(), SECRETS["spring", "access"], algorithm="HS256", headers={"typ": None})
        self.assertEqual(self.hey(token), (200, "Hey foo@gmail.com! Your id is '7'"))

    def test_a_token_of_the_old_backend_has_no_session(self):  # RF-14
        claims = {"sub": "foo@gmail.com", "exp": int(time.time()) + 600}
        token = jwt.encode(claims, SECRETS["spring", "access"], algorithm="HS256", headers={"typ": None})
        self.assertEqual(self.hey(token), (403, '{"code":106,"description":"Access denied"}'))

    def test_bad_ones_are_refused(self):
        secret = SECRETS["spring", "access"]
        good = self.claims()
        denied = (403, '{"code":106,"description":"Access denied"}')
        table = {
            "expired": (good | {"exp": int(time.time()) - 600}, secret, "HS256",
                        (401, '{"code":105,"description":"Token has been expired"}')),
            "JT-01": (good, None, "none", denied),
            "JT-03": (good, secret, "HS512", denied),
            "JT-07": ({"sub": "foo@gmail.com"}, secret, "HS256", denied),
            "foreign key": (good, secrets.token_hex(32), "HS256", denied),
            "key of another dialect": (good, SECRETS["gateway", "access"], "HS256", denied),
            "unknown user": (good | {"sub": "nobody@example.com"}, secret, "HS256", denied),
        }
        for name, (claims, key, algorithm, expected) in table.items():
            with self.subTest(name):
                self.assertEqual(self.hey(jwt.encode(claims, key, algorithm=algorithm)), expected)

    def test_a_public_key_is_no_secret(self):  # JT-02
        key = jwt.PyJWKSet.from_dict(server.ask("GET", "/.well-known/jwks.json").json).keys[0]
        pem = key.key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        data = login("/api/v1/login", {"email": EMAIL, "password": PASSWORD})["data"]
        header, claims, _ = data["access_token"].split(".")
        header = base64.urlsafe_b64encode(raw(data["access_token"])[0].replace("RS256", "HS256").encode())
        signed = f"{header.decode().rstrip('=')}.{claims}"
        algorithm = jwt.get_algorithm_by_name("HS256")
        signature = base64.urlsafe_b64encode(algorithm.sign(signed.encode(), pem)).decode().rstrip("=")
        answer = server.ask(
            "POST", "/api/v1/logout", {"token": data["refresh_token"]}, bearer(f"{signed}.{signature}")
        )
        self.assertEqual(answer.status, 401)


class Import(unittest.TestCase):
    def test_short_and_famous_secrets_are_refused(self):  # JT-13
        for secret in ("short", "secret", "x" * 31, "your-256-bit-secret", "a" * 64):
            with self.subTest(secret):
                done = support.run(
                    "key", "import", "-", "--dialect", "gateway", "--data", server.data, stdin=secret, status=1
                )
                self.assertTrue(done.stderr.strip())
        listed = support.run("key", "list", "--data", server.data).stdout
        self.assertEqual(len([line for line in listed.splitlines() if line.startswith("gateway")]), 2)

    def test_older_keys_go_on_verifying(self):
        old = hs_tokens()["spring", "access"]
        secret = secrets.token_hex(32)
        support.run("key", "import", "-", "--dialect", "spring", "--data", server.data, stdin=secret)
        credentials = {"email": EMAIL, "password": PASSWORD}
        self.assertTrue(support.until(lambda: verifies(login("/api/login", credentials)["token"], secret)))
        self.assertEqual(server.ask("GET", "/api/user/hey", headers=bearer(old)).status, 200)
        listed = support.run("key", "list", "--data", server.data).stdout
        states = [line.split()[3] for line in listed.splitlines() if line.startswith("spring")]
        self.assertEqual(states[0], "signs")
        self.assertEqual(set(states[1:]), {"verifies"})
        SECRETS["spring", "access"] = secret


if __name__ == "__main__":
    unittest.main()
