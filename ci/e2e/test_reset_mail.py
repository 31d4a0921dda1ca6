"""Reset mails through a real mail server (aiosmtpd): read there, used, used again; poisoned, delayed, encrypted."""

import datetime
import email
import email.policy
import ipaddress
import logging
import re
import ssl
import threading
import unittest
import urllib.parse
import warnings

import support
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

# The mail server's own talk, in tests that hang up on it on purpose.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", message="Session.login_data")

LINK_BASE = "https://app.example.com/reset"
DONE = b'{"data":true,"message":"Your password has been reset!","errors":{},"code":200}'
REQUESTED = b'{"data":true,"message":"We have e-mailed your password reset link!","errors":{},"code":200}'
BAD_TOKEN = b'{"code":422,"data":null,"message":"","errors":{"token":["This password reset token is invalid."]}}'


class Mailbox:
    """Takes every mail."""

    def __init__(self):
        self.mails = []
        self.arrived = threading.Condition()

    async def handle_DATA(self, server, session, envelope):  # aiosmtpd's name
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        with self.arrived:
            self.mails.append((envelope, mail, session))
            self.arrived.notify_all()
        return "250 taken"

    def to(self, address):
        return [mail for envelope, mail, _ in self.mails if envelope.rcpt_tos == [address]]

    def wait(self, address, count=1, seconds=30):
        """The `count`th mail to this address."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.to(address)) >= count, seconds):
                raise AssertionError(f"no mail number {count} to {address} within {seconds} s: {self.mails}")
        return self.to(address)[count - 1]


def link(mail):
    """Where a reset mail leads: base, token, e-mail."""
    found = re.findall(r"https?://\S+", mail.get_content())
    assert len(found) == 1, mail.get_content()
    base, query = found[0].split("?", 1)
    values = urllib.parse.parse_qs(query, strict_parsing=True)
    assert sorted(values) == ["email", "token"], query
    return base, values["token"][0], values["email"][0]


def config(port, more='tls = "none"'):
    return (
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nfrom = "Myna <no-reply@example.com>"\n{more}\n'
        f'[reset]\nlink_base = "{LINK_BASE}"\n[log]\nlevel = "trace"\n'
    )


class Resets(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.box = Mailbox()
        cls.smtp = Controller(cls.box, hostname="127.0.0.1", port=support.free_port())
        cls.smtp.start()
        cls.server = support.Server(https=False, config=config(cls.smtp.port))
        cls.server.start()

    @classmethod
    def tearDownClass(cls):
        cls.smtp.stop()
        assert cls.server.stop() == 0

    def post(self, path, body, headers=None):
        return self.server.ask("POST", f"/api/v1/{path}", body, headers)

    def request(self, address):
        answer = self.post("password/email", {"email": address})
        self.assertEqual((answer.status, answer.body), (200, REQUESTED))

    def reset(self, address, token, password):
        answer = self.post("password/reset", {
            "email": address, "token": token, "password": password, "password_confirmation": password,
        })
        return answer.status, answer.body

    def login(self, address, password):
        return self.post("login", {"email": address, "password": password})

    def test_from_request_to_login(self):
        address, old, new = "reset@example.com", "the old password", support.CANARY
        self.server.add_user(address, old)
        session = self.login(address, old).json["data"]
        self.request(address)
        mail = self.box.wait(address)
        self.assertEqual(mail["From"], "Myna <no-reply@example.com>")
        self.assertEqual(mail["To"], address)
        base, token, named = link(mail)
        self.assertEqual((base, named), (LINK_BASE, address))
        # RS-08: what a mail scanner may do to a link.
        self.assertEqual(self.server.ask("GET", f"/api/v1/password/reset?token={token}").status, 405)
        # A refused password or address does not use the token up.
        status, _ = self.reset(address, token, "short")
        self.assertEqual(status, 422)
        self.assertEqual(self.reset("admin@example.com", token, new), (422, BAD_TOKEN))
        self.assertEqual(self.reset(address, token, new), (200, DONE))
        self.assertEqual(self.reset(address, token, f"{new}!"), (422, BAD_TOKEN))
        self.assertEqual(self.login(address, old).status, 401)
        self.assertEqual(self.login(address, new).status, 200)
        # RF-09
        self.assertEqual(self.post("token/refresh", {"refresh_token": session["refresh_token"]}).status, 401)
        answer = self.post("logout", {"token": session["refresh_token"]}, support.bearer(session["access_token"]))
        self.assertEqual(answer.status, 401)
        # LO-01, at level trace.
        log = self.server.log()
        for secret in (token, old, new, session["access_token"], session["refresh_token"]):
            self.assertNotIn(secret, log)

    def test_a_newer_link_replaces_the_older(self):  # RS-07
        address = "twice@example.com"
        self.server.add_user(address, "the old password")
        self.request(address)
        first = link(self.box.wait(address))[1]
        self.request(address)
        second = link(self.box.wait(address, 2))[1]
        self.assertNotEqual(first, second)
        self.assertEqual(self.reset(address, first, support.CANARY), (422, BAD_TOKEN))
        self.assertEqual(self.reset(address, second, support.CANARY), (200, DONE))

    def test_one_link_at_many_hands(self):  # RS-05
        address = "race@example.com"
        self.server.add_user(address, "the old password")
        self.request(address)
        token = link(self.box.wait(address))[1]
        answers = []

        def race(n):
            answers.append((self.reset(address, token, f"{support.CANARY} {n}"), n))

        racers = [threading.Thread(target=race, args=(n,), daemon=True) for n in range(8)]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        won = [n for answer, n in answers if answer == (200, DONE)]
        lost = [answer for answer, _ in answers if answer != (200, DONE)]
        self.assertEqual((len(won), lost), (1, [(422, BAD_TOKEN)] * 7))
        self.assertEqual(self.login(address, f"{support.CANARY} {won[0]}").status, 200)

    def test_nobody_else_gets_mail(self):  # LG-04, RS-02, RS-03
        address = "disabled@example.com"
        self.server.add_user(address, "the old password")
        support.run("user", "disable", address, "--data", self.server.data)
        for unknown in (address, "nobody@example.com"):
            self.request(unknown)
        injected = "a@example.com\r\nBcc: b@example.com"
        for odd in (["a@example.com"], {"a": "b"}, "a@example.com,b@example.com", injected, 1):
            with self.subTest(odd):
                self.assertEqual(self.post("password/email", {"email": odd}).status, 422)
        # What is behind them in the queue has arrived: so would they have.
        last = "last@example.com"
        self.server.add_user(last, "the old password")
        self.request(last.upper())
        self.assertEqual(link(self.box.wait(last))[2], last)
        recipients = {recipient for envelope, _, _ in self.box.mails for recipient in envelope.rcpt_tos}
        nobodies = {address, "nobody@example.com", "a@example.com", "b@example.com", last.upper()}
        self.assertFalse(recipients & nobodies)

    def test_a_poisoned_host_changes_nothing(self):  # RS-01
        address = "host@example.com"
        self.server.add_user(address, "the old password")
        evil = "evil.example"
        table = [
            ({"Host": evil}, ""),
            ({"Host": f"127.0.0.1:{self.server.port}@{evil}"}, ""),
            ({"Host": f"{evil}:80"}, ""),
            ({"X-Forwarded-Host": evil}, ""),
            ({"X-Forwarded-Host": f"{evil}, app.example.com", "X-Forwarded-Proto": "http"}, ""),
            ({"X-Forwarded-Server": evil, "X-Original-Host": evil, "X-Host": evil}, ""),
            ({"Forwarded": f"host={evil};proto=http"}, ""),
            ({"Origin": f"http://{evil}", "Referer": f"http://{evil}/reset"}, ""),
            ({"X-Original-URL": f"http://{evil}/", "X-Rewrite-URL": f"http://{evil}/"}, ""),
            ({"Host": evil}, f"http://{evil}"),
        ]
        taken = 0
        for headers, before in table:
            answer = self.server.ask("POST", f"{before}/api/v1/password/email", {"email": address}, headers)
            self.assertIn(answer.status, (200, 400, 404))
            taken += answer.status == 200
            if answer.status == 200:
                mail = self.box.wait(address, taken)
                self.assertEqual(link(mail)[0], LINK_BASE)
                self.assertNotIn(evil, mail.as_string())
        self.assertGreaterEqual(taken, 7)


class Delay(unittest.TestCase):
    def test_a_mail_server_that_comes_late(self):
        port = support.free_port()
        address = "late@example.com"
        box = Mailbox()
        with support.Server(https=False, config=config(port)) as server:
            server.add_user(address, "the old password")
            # LG-04: nobody waits for the mail server.
            answer = server.ask("POST", "/api/v1/password/email", {"email": address})
            self.assertEqual((answer.status, answer.body), (200, REQUESTED))
            self.assertTrue(support.until(lambda: "mail not sent" in server.log()), server.log())
            # The queue is on disk: the mail outlives the server.
            server.kill()
            smtp = Controller(box, hostname="127.0.0.1", port=port)
            smtp.start()
            try:
                server.start()
                token = link(box.wait(address))[1]
                self.assertTrue(support.until(lambda: "mail sent" in server.log()))
                answer = server.ask("POST", "/api/v1/password/reset", {
                    "email": address, "token": token, "password": support.CANARY,
                    "password_confirmation": support.CANARY,
                })
                self.assertEqual((answer.status, answer.body), (200, DONE))
                self.assertEqual(server.stop(), 0)
                self.assertEqual(len(box.mails), 1)
            finally:
                smtp.stop()


class Encrypted(unittest.TestCase):
    """STARTTLS with a name and a password; the server trusts the test's authority through SSL_CERT_FILE."""

    def test_starttls(self):
        chain, key = certificate(support.folder())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(chain, key)
        box = Mailbox()
        smtp = Controller(
            box, hostname="127.0.0.1", port=support.free_port(), tls_context=context, require_starttls=True,
            auth_required=True, authenticator=authenticate,
        )
        smtp.start()
        secret = support.folder() / "smtp-password"
        secret.write_text("the mail server's password\n")
        more = f'tls = "starttls"\nuser = "myna"\npassword_file = "{secret}"'
        try:
            server = support.Server(https=False, config=config(smtp.port, more), SSL_CERT_FILE=str(chain))
            with server:
                server.add_user("tls@example.com", "the old password")
                server.ask("POST", "/api/v1/password/email", {"email": "tls@example.com"})
                box.wait("tls@example.com")
                _, _, session = box.mails[0]
                self.assertIsNotNone(session.ssl)
                self.assertEqual(session.auth_data, "myna")
                self.assertNotIn("the mail server's password", server.log())
            # HD-10: without that trust no mail leaves.
            with support.Server(https=False, config=config(smtp.port, more)) as server:
                server.add_user("trust@example.com", "the old password")
                server.ask("POST", "/api/v1/password/email", {"email": "trust@example.com"})
                self.assertTrue(support.until(lambda: "mail not sent" in server.log()), server.log())
                self.assertEqual(box.to("trust@example.com"), [])
        finally:
            smtp.stop()


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"myna", b"the mail server's password")
    session.auth_data = data.login.decode() if good else None
    return AuthResult(success=good, handled=good, auth_data=session.auth_data)


def certificate(folder):
    """A certificate for 127.0.0.1 signed by an authority of its own; both in one file, and the key."""
    now = datetime.datetime.now(datetime.timezone.utc)

    def named(text):
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    def builder(subject, key):
        return (
            x509.CertificateBuilder().subject_name(named(subject)).issuer_name(named("test authority"))
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        )

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = builder("test authority", authority).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    ).sign(authority, hashes.SHA256())
    leaf = builder("mail server", own).add_extension(
        x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
    ).sign(authority, hashes.SHA256())
    chain, key = folder / "chain.pem", folder / "chain-key.pem"
    chain.write_bytes(leaf.public_bytes(Encoding.PEM) + ca.public_bytes(Encoding.PEM))
    key.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, key


if __name__ == "__main__":
    unittest.main()
