"""The tools for whoever writes a dialect: `--watch`, differences of cases, new, docs, schema."""

import json
import re
import subprocess
import tomllib
import unittest

import support
from support import run


class Watching:
    """A command that runs until the test ends it."""

    def __init__(self, *arguments):
        self.log = support.folder() / "log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(support.BINARY), *map(str, arguments)], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                env=support.environment(),
            )
        support.running.add(self.process)

    def said(self):
        """What it printed so far."""
        return self.log.read_text()

    def runs(self, count):
        """Waits until it has run so often; returns what the last run said."""
        done = support.until(lambda: self.said().count("watching ") >= count)
        if not done:
            raise AssertionError(f"fewer than {count} runs:\n{self.said()}")
        return self.said().split("Ctrl-C ends\n")[count - 1]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait(10)
        support.running.discard(self.process)


def spring():
    """A folder with the built-in dialect and one case."""
    folder = support.folder() / "spring"
    (folder / "cases").mkdir(parents=True)
    (folder / "dialect.toml").write_text(run("dialect", "show", "spring").stdout)
    (folder / "cases" / "hey.case").write_text("# No token\n\n> GET /api/user/hey\n\n< 401\n<\n< <any>\n")
    return folder


class Watch(unittest.TestCase):
    def test_check_runs_again_after_a_change(self):
        folder = spring()
        file = folder / "dialect.toml"
        text = file.read_text()
        with Watching("dialect", "check", folder, "--watch") as watching:
            self.assertIn("no faults", watching.runs(1))
            file.write_text(text.replace("operation", "operaton", 1))
            self.assertIn("unknown key `operaton`", watching.runs(2))
            file.unlink()
            self.assertIn("there is no dialect in the folder", watching.runs(3))
            file.write_text(text)
            self.assertIn("no faults", watching.runs(4))
            self.assertIsNone(watching.process.poll())
            # No terminal, no screen to clear.
            self.assertNotIn("\x1b", watching.said())

    def test_test_runs_again_after_a_change_of_a_case(self):
        folder = spring()
        case = folder / "cases" / "hey.case"
        with Watching("dialect", "test", folder, "--watch") as watching:
            self.assertIn("1 case passed, 0 failed", watching.runs(1))
            case.write_text(case.read_text().replace("401", "404"))
            self.assertIn("expected 404", watching.runs(2))
            case.rename(case.with_name("other.case"))
            self.assertIn("other.case", watching.runs(3))

    def test_what_cannot_change_is_not_watched(self):
        for names in ((), ("spring",), ("no-such-folder",)):
            with self.subTest(names):
                self.assertIn("does not change", run("dialect", "check", "--watch", *names, status=1).stderr)


class Differences(unittest.TestCase):
    def test_each_difference_stands_at_its_place(self):
        folder = spring()
        (folder / "cases" / "hey.case").write_text(
            '# Wrong in many ways\nuser { "id": 7, "email": "foo@gmail.com", "password": "foo" }\n\n'
            '> POST /api/login\n> content-type: application/json\n>\n> {"email": "foo@gmail.com", "password": "foo"}\n\n'
            '< 200\n<\n< {"token": "<jwt>", "tokenPrefix": "Baerer ", "tokenHeader": "Authorization", "user": '
            '{"id": "7", "lastName": null, "firstName": null, "middleName": null, "email": "foo@gmail.co", '
            '"role": "<any>", "status": "ACTIVE", "more": 1, "photo": null}}\n'
        )
        said = run("dialect", "test", folder, status=1).stdout
        for expected in (
            'body.tokenPrefix\n        expected "Baerer "\n        got      "Bearer "\n',
            "body.expirationTs\n        expected nothing\n        got      ",
            'body.user.id\n        expected "7"\n        got      7\n',
            'body.user.email\n        expected "foo@gmail.co"\n        got      "foo@gmail.com"\n                              ^',
            "body.user.more\n        expected 1\n        got      nothing\n",
        ):
            self.assertIn(expected, said)


class New(unittest.TestCase):
    def test_a_fresh_dialect_holds(self):
        cwd = support.folder()
        self.assertIn("dialect.toml and 1 case", run("dialect", "new", "apis/shop", cwd=cwd).stdout)
        self.assertIn("shop: no faults", run("dialect", "check", "apis/shop", cwd=cwd).stdout)
        self.assertIn("1 case passed", run("dialect", "test", "apis/shop", cwd=cwd).stdout)
        # What the commented endpoints say is lawful, too.
        file = cwd / "apis" / "shop" / "dialect.toml"
        lines = file.read_text().splitlines()
        at = lines.index("# [[endpoint]]")
        file.write_text("\n".join(lines[:at] + [line.removeprefix("#").removeprefix(" ") for line in lines[at:]]))
        self.assertIn("3 endpoints", run("dialect", "check", "apis/shop", cwd=cwd).stdout)

    def test_like_another_keeps_all_but_the_name(self):
        cwd = support.folder()
        shown = run("dialect", "show", "spring").stdout
        run("dialect", "new", "shop", "--like", "spring", cwd=cwd)
        text = (cwd / "shop" / "dialect.toml").read_text()
        schema = "#:schema ./dialect.schema.json\n"
        self.assertEqual(text, schema + shown.replace('dialect = "spring"', 'dialect = "shop"'))
        cases = {path.name for path in (support.ROOT / "dialects" / "spring" / "cases").iterdir()}
        self.assertEqual({path.name for path in (cwd / "shop" / "cases").iterdir()}, cases)
        run("dialect", "test", "shop", cwd=cwd)
        # Also from one's own.
        run("dialect", "new", "other", "--like", "./shop", cwd=cwd)
        other = (cwd / "other" / "dialect.toml").read_text()
        self.assertIn('dialect = "other"', other)
        self.assertEqual(other.count("#:schema"), 1)

    def test_nothing_is_overwritten_and_names_are_lawful(self):
        cwd = support.folder()
        (cwd / "shop").mkdir()
        self.assertIn("is there already", run("dialect", "new", "shop", cwd=cwd, status=1).stderr)
        self.assertEqual(list((cwd / "shop").iterdir()), [])
        for wrong in ("Shop", "a b", "shöp", ".."):
            self.assertIn("small letters", run("dialect", "new", wrong, cwd=cwd, status=1).stderr)
        self.assertIn("did you mean `spring`?", run("dialect", "new", "x", "--like", "sprin", cwd=cwd, status=1).stderr)
        self.assertFalse((cwd / "x").exists())
        self.assertIn("--watch", run("dialect", "new", "x", "--watch", cwd=cwd, status=2).stderr)


class Docs(unittest.TestCase):
    def test_the_api_is_told_from_its_file(self):
        for name in ("spring", "passport", "portal", "ktor", "gateway"):
            with self.subTest(name):
                said = run("dialect", "docs", name).stdout
                self.assertEqual(said, run("dialect", "docs", name).stdout)
                text = run("dialect", "show", name).stdout
                for route in re.findall(r'^route *= "(.*)"', text, re.M):
                    self.assertIn(f"`{route}`", said)
        said = run("dialect", "docs", "spring").stdout
        for expected in (
            "# Login with JWT, Spring Security style\n",
            "Access tokens are JWTs, signed with HS256.",
            "| `passwordConfirm` | body | yes | not empty; the same as `password` |",
            "| `Authorization` | `authorization: Bearer …` | yes |  |",
            '"expirationTs": <access.expires_at>',
            "**409 `identifier_taken`**",
            "\nPOST /api/login\n",
        ):
            self.assertIn(expected, said)

    def test_loosenings_and_what_is_left_out_are_told(self):
        folder = spring()
        file = folder / "dialect.toml"
        file.write_text(file.read_text().replace(
            "[token.access]", '[left_out]\ncaptcha = "No pictures are drawn here."\n\n[token.access]', 1))
        out = support.folder() / "api.md"
        with Watching("dialect", "docs", folder, "--out", out, "--watch") as watching:
            watching.runs(1)
            self.assertIn("- `captcha`: No pictures are drawn here.", out.read_text())
            file.write_text(file.read_text().replace("No pictures", "Not one picture"))
            watching.runs(2)
            self.assertIn("Not one picture", out.read_text())


class Schema(unittest.TestCase):
    """The JSON Schema, judged by a validator that is not ours."""

    @classmethod
    def setUpClass(cls):
        import jsonschema

        cls.schema = json.loads(run("dialect", "schema").stdout)
        jsonschema.Draft202012Validator.check_schema(cls.schema)
        cls.validator = jsonschema.Draft202012Validator(cls.schema)

    def faults(self, path):
        """What the schema says about a file."""
        found = tomllib.loads(path.read_text())
        return [error.message for error in self.validator.iter_errors(found)]

    def test_every_dialect_is_valid(self):
        files = sorted((support.ROOT / "dialects").rglob("dialect.toml"))
        self.assertGreater(len(files), 4)
        for file in files + [support.ROOT / "crates/server/tests/dialects/everything/dialect.toml"]:
            with self.subTest(file):
                self.assertEqual(self.faults(file), [])

    def test_what_a_schema_can_see_is_refused(self):
        for name in (
            "unknown-key", "unknown-outcome", "unknown-rule", "wrong-type", "no-endpoint", "bad-algorithm", "bad-status",
            "bad-duration", "refresh-of-no-format",
        ):
            with self.subTest(name):
                self.assertNotEqual(self.faults(support.ROOT / f"crates/dialect/tests/faulty/{name}.toml"), [])

    def test_the_file_in_the_repository_is_current(self):
        file = support.ROOT / "docs" / "generated" / "dialect.schema.json"
        self.assertEqual(json.loads(file.read_text()), self.schema)
        cwd = support.folder()
        run("dialect", "new", "shop", cwd=cwd)
        self.assertEqual(json.loads((cwd / "shop" / "dialect.schema.json").read_text()), self.schema)
