"""Each dialect of the gallery, driven by its product's own published client.

`dialects/gallery/NAME/sdk/` holds `drive.mjs` (Node) or `drive.py` (Python). It is run with a server that serves that dialect
alone, and ends with exit status 0 and the line `driven` when the client found everything as it should be. It is told:

    MYNA_URL, MYNA_HTTPS_URL    where the server is; Node and Python's ssl trust the certificate of the latter
    MYNA_EMAIL, MYNA_USERNAME, MYNA_FIRST_NAME, MYNA_LAST_NAME, MYNA_PASSWORD
                                the one user, whose id is 1
    MYNA_NEW_PASSWORD           a password that the policy takes
    MYNA_MAIL                   the folder that mails are written to, an .eml file each

`sdk/user.json`, if there, is a list of more arguments for `myna user add`.
"""

import json
import shutil
import subprocess
import sys
import unittest

import support

GALLERY = support.ROOT / "dialects" / "gallery"
USER = {
    "email": "ada@example.com", "username": "ada", "first_name": "Ada", "last_name": "Lovelace",
    "password": "Analytical-Engine-1843-Notes",
}
CONFIG = '[https]\nself_signed = true\n[dialects]\nenabled = ["%s"]\n[reset]\nlink_base = "https://app.example.com/reset"\n'


def names():
    return sorted(path.parent.name for path in GALLERY.glob("*/dialect.toml"))


def drive(script, server):
    """Runs a copy that lies beside the packages: Node looks for them from where the script is."""
    place = support.TOOLS / "gallery" / server.folder.name
    shutil.copytree(script.parent, place)
    try:
        command = "node" if script.suffix == ".mjs" else sys.executable
        user = {f"MYNA_{name.upper()}": value for name, value in USER.items()}
        return subprocess.run(
            [command, str(place / script.name)], capture_output=True, text=True, timeout=120, cwd=place,
            env=support.environment(
                MYNA_URL=f"http://{server.host}:{server.port}", MYNA_HTTPS_URL=f"https://localhost:{server.tls_port}",
                MYNA_NEW_PASSWORD=support.CANARY, MYNA_MAIL=str(server.data / "mail"),
                NODE_EXTRA_CA_CERTS=str(server.certificate), SSL_CERT_FILE=str(server.certificate),
                REQUESTS_CA_BUNDLE=str(server.certificate), PYTHONDONTWRITEBYTECODE="1", **user,
            ),
        )
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Gallery(unittest.TestCase):
    def test_each_is_whole(self):
        for name in names():
            with self.subTest(name):
                folder = GALLERY / name
                self.assertTrue((folder / "README.md").is_file())
                self.assertTrue(list(folder.glob("cases/*.case")))
                self.assertEqual(len(list(folder.glob("sdk/drive.*"))), 1)

    def test_none_is_served_unless_it_is_named(self):
        listed = support.run("dialect", "list").stdout
        for name in names():
            self.assertRegex(listed, rf"(?m)^{name} — .* \(gallery\)$")
        with support.Server("serve", https=False) as server:
            self.assertEqual(server.ask("POST", "/users/login", {}).status, 404)
            self.assertEqual(server.ask("POST", "/api/login", {}).status, 400)


def driven(name):
    def test(self):
        script, = (GALLERY / name / "sdk").glob("drive.*")
        more = script.parent / "user.json"
        with support.Server("serve", config=CONFIG % name) as server:
            fields = [(f"--{field.replace('_', '-')}", value) for field, value in USER.items()]
            flat = [part for pair in fields if pair[0] not in ("--email", "--password") for part in pair]
            server.add_user(USER["email"], USER["password"], *flat, *(json.loads(more.read_text()) if more.exists() else []))
            done = drive(script, server)
            log = server.log()
            said = f"{done.stdout}\n{done.stderr}\n{log}"
            self.assertEqual(done.returncode, 0, said)
            self.assertEqual(done.stdout.splitlines()[-1:], ["driven"], said)
            for secret in (USER["password"], support.CANARY):
                self.assertNotIn(secret, log)
            self.assertNotIn("ERROR", log)

    return test


for each in names():
    setattr(Gallery, f"test_{each}_by_its_own_client", driven(each))


if __name__ == "__main__":
    unittest.main()
