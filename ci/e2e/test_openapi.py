"""OpenAPI and the documentation page, judged by foreign tools: a validator, a fuzzer, a client generator, a browser."""

import concurrent.futures
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import unittest
import urllib.parse

import openapi_spec_validator

import support

HERE = support.ROOT / "ci" / "e2e" / "docs"
ASSETS = support.ROOT / "crates" / "server" / "assets" / "swagger-ui"
PASSWORD = "Analytical-Engine-1843-Notes"
CONFIG = "[https]\nself_signed = true\n[docs]\nenabled = true\n[dialects]\nenabled = %s\n"
# What schemathesis generates is lawful by the schema and yet no user's password; and which status says that a token is
# missing is the API's own affair.
NO_CHECK = "positive_data_acceptance,missing_required_header"
# A few hundred requests for each dialect, always the same.
RUN = ["--seed", "1", "--generation-deterministic", "--no-color", "--workers", "1"]


BUILTIN = support.ROOT / "dialects"
GALLERY = BUILTIN / "gallery"
# What no document can say: an answer of one status that has a body and a content type only sometimes.
INEXPRESSIBLE = {"jellyfin": "content_type_conformance", "jhipster": "content_type_conformance"}


def folders(*roots):
    """Every dialect in these folders by name; without folders every one that came with the program."""
    return {path.parent.name: path.parent for root in roots or (BUILTIN, GALLERY) for path in sorted(root.glob("*/dialect.toml"))}


def server_of(*names):
    return support.Server(config=CONFIG % json.dumps(list(names)))


def document(server, name):
    answer = server.ask("GET", f"/openapi/{name}.json")
    assert answer.status == 200, answer
    return answer.json


def operations(document):
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


def add_example_users(server, folder):
    """The users of the case whose requests are the first examples of the document."""
    cases = sorted((folder / "cases").glob("*.case"), key=lambda case: (len(case.name), case.name))
    named = [case for case in cases if case.name == "login.case"]
    for line in (named or cases)[0].read_text().splitlines():
        if not line.startswith("user {"):
            continue
        user = json.loads(line.removeprefix("user "))
        if not user.get("password"):
            continue
        given = [word for key in ("email", "username") if user.get(key) for word in (f"--{key}", user[key])]
        if user.get("must_change_password"):
            given.append("--must-change-password")
        support.run(
            "user", "add", "--id", user["id"], *given, "--password-stdin", "--allow-weak-password", "--data",
            server.data, stdin=user["password"] + "\n",
        )


def schemathesis(server, source, *more, left_out=None):
    """Runs schemathesis on a document; what it said, if anything is wrong."""
    done = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", str(source), "--url", f"http://{server.host}:{server.port}",
         "--checks", "all", "--exclude-checks", ",".join(filter(None, (NO_CHECK, left_out))), *RUN, *more],
        capture_output=True, text=True, cwd=support.folder(), env=support.environment(), timeout=170,
    )
    if "No module named" in done.stderr or "Usage:" in done.stderr:
        raise AssertionError(done.stderr)
    return None if done.returncode == 0 else f"{' '.join(more)}\n{done.stdout}\n{done.stderr}"


def access_token(server, document):
    """A token for `Authorization: Bearer`, got by the first example of a login; None if there is no such."""
    if document.get("components", {}).get("securitySchemes", {}).get("bearer") is None:
        return None
    for method, path, operation in operations(document):
        if not operation["description"].startswith("Sign in") or "{" in path:
            continue
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
            for example in content.get("examples", {}).values():
                is_json = media_type == "application/json"
                body = example["value"] if is_json else urllib.parse.urlencode(example["value"])
                answer = server.ask(method, path, body, {"Content-Type": media_type})
                found = re.search(r'"([\w-]+\.[\w-]+\.[\w-]+)"', answer.text) if answer.status < 300 else None
                if found:
                    return found[1]
    return None


def fuzzed(name, folder):
    """Everything that schemathesis finds in one dialect."""
    with server_of(name) as server:
        add_example_users(server, folder)
        told = document(server, name)
        url = f"http://{server.host}:{server.port}/openapi/{name}.json"
        check, is_builtin = INEXPRESSIBLE.get(name), folder.parent == BUILTIN
        examples = "40" if is_builtin else "15"
        found = [schemathesis(server, url, "--phases", "examples,coverage,fuzzing", "--max-examples", examples, left_out=check)]
        token = access_token(server, told)
        if token:
            # What ends sessions is left out: with this token everything else is answered as to somebody known.
            ends = [op["operationId"] for _, _, op in operations(told) if re.search("End the|ends every", op["description"])]
            left_out = [word for name in ends for word in ("--exclude-operation-id", name)]
            more = ["--phases", "examples,fuzzing", "--max-examples", "20" if is_builtin else "5", "-H", f"Authorization: Bearer {token}"]
            found.append(schemathesis(server, url, *more, *left_out, left_out=check))
        log = server.log()
        if "Sign in" in json.dumps(told) and "signed_in" not in log and "must_change_password" not in log:
            found.append("no login went well: the examples of the document do not work")
        if re.search(r'outcome="?fault', log) or " ERROR " in log:
            found.append(log[-4000:])
    return [each for each in found if each]


class OpenApi(unittest.TestCase):
    def test_the_validator_takes_every_document(self):
        for name in folders():
            with self.subTest(name):
                printed = support.run("dialect", "openapi", name).stdout
                openapi_spec_validator.validate(json.loads(printed))

    def test_schemathesis_finds_nothing(self):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = {name: pool.submit(fuzzed, name, folder) for name, folder in folders().items()}
            for name, run in runs.items():
                with self.subTest(name):
                    self.assertEqual([], run.result(), "\n".join(run.result()))

    def test_schemathesis_would_find_something(self):
        with server_of("portal") as server:
            add_example_users(server, folders()["portal"])
            told = document(server, "portal")
            answers = told["paths"]["/api/v1/auth/login"]["post"]["responses"]
            for lie in ("status", "member", "header", "type"):
                changed = json.loads(json.dumps(answers))
                refused = changed["401"]["content"]["application/json"]
                if lie == "status":
                    del changed["401"]
                elif lie == "member":
                    refused["schema"]["properties"]["code"] = {"const": 402}
                elif lie == "header":
                    changed["401"]["headers"]["X-More"] = {"required": True, "schema": {"type": "string"}}
                else:
                    changed["401"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
                told["paths"] = {"/api/v1/auth/login": {"post": {
                    **document(server, "portal")["paths"]["/api/v1/auth/login"]["post"], "responses": changed,
                }}}
                path = support.folder() / "document.json"
                path.write_text(json.dumps(told))
                with self.subTest(lie):
                    said = schemathesis(server, path, "--phases", "fuzzing", "--max-examples", "5", "--no-shrink")
                    self.assertIn("FAILURES", said or "")

    def test_a_generated_client_logs_in_and_refreshes(self):
        with server_of("portal") as server:
            server.add_user("ada@example.com", PASSWORD, "--username", "ada")
            place = support.TOOLS / "client" / server.folder.name
            place.mkdir(parents=True)
            try:
                (place / "document.json").write_bytes(server.ask("GET", "/openapi/portal.json").body)
                shutil.copy(HERE / "client.ts", place)
                modules = support.TOOLS / "node_modules"
                generator = modules / "openapi-typescript" / "bin" / "cli.js"
                self.node(place, generator, "document.json", "-o", "schema.ts")
                strict = ["--strict", "--target", "es2022", "--module", "esnext", "--moduleResolution", "bundler"]
                self.node(place, modules / "typescript" / "bin" / "tsc", *strict, "--lib", "es2022,dom",
                          "--outDir", ".", "client.ts")
                (place / "client.js").rename(place / "client.mjs")
                said = self.node(place, "client.mjs", f"http://{server.host}:{server.port}", "ada", PASSWORD)
                self.assertEqual({"lifetime": 1800, "rotated": True, "code": 400}, json.loads(said))
            finally:
                shutil.rmtree(place, ignore_errors=True)

    def node(self, place, *arguments):
        done = subprocess.run(
            ["node", *map(str, arguments)], capture_output=True, text=True, cwd=place, env=support.environment(), timeout=120,
        )
        self.assertEqual(0, done.returncode, f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done.stdout


class Documentation(unittest.TestCase):
    def test_it_is_off_unless_it_is_switched_on(self):
        with support.Server() as server:
            for path in ("/docs", "/docs/page.js", "/openapi.json", "/openapi/spring.json"):
                self.assertEqual(404, server.ask("GET", path).status, path)

    def test_what_is_served_and_how(self):
        with server_of("spring", "ktor") as server:
            index = server.ask("GET", "/openapi.json")
            self.assertEqual(["ktor", "spring"], [each["name"] for each in index.json["dialects"]])
            for path in ("/docs", "/docs/page.js", "/openapi.json", "/openapi/spring.json", "/docs/swagger-ui-bundle.js"):
                answer = server.ask("GET", path)
                self.assertEqual((200, "no-cache"), (answer.status, answer.header("cache-control")), path)
                again = server.ask("GET", path, headers={"If-None-Match": f'"x", {answer.header("etag")}'})
                self.assertEqual((304, b""), (again.status, again.body), path)
                head = server.ask("HEAD", path)
                self.assertEqual((200, b""), (head.status, head.body), path)
                self.assertEqual("GET, HEAD", server.ask("POST", path, {}).header("allow"), path)
            policy = server.ask("GET", "/docs").header("content-security-policy")
            self.assertIn("default-src 'none'", policy)
            self.assertIn("frame-ancestors 'none'", policy)
            for path in ("/openapi/passport.json", "/openapi/spring", "/openapi/x/spring.json", "/docs/..", "/docs/a/b"):
                self.assertEqual(404, server.ask("GET", path).status, path)

    def test_a_dialect_cannot_take_its_paths(self):
        own = support.folder() / "own"
        own.mkdir()
        text = (support.ROOT / "dialects" / "spring" / "dialect.toml").read_text()
        (own / "dialect.toml").write_text(
            text.replace('dialect = "spring"', 'dialect = "own"').replace("/api/login", "/docs/login")
        )
        config = f'[dialects]\nenabled = ["own"]\nfolder = "{own.parent}"\n'
        (own.parent / "myna.toml").write_text(config)
        done = support.run("check", "--config", own.parent / "myna.toml", status=None)
        self.assertNotEqual(0, done.returncode)
        self.assertIn("/docs/login", done.stdout + done.stderr)

    def test_the_ui_is_what_its_checksums_say(self):
        for line in (ASSETS / "SHA256SUMS").read_text().splitlines():
            wanted, name = line.split()
            packed = ASSETS / f"{name}.gz"
            content = gzip.decompress(packed.read_bytes()) if packed.exists() else (ASSETS / name).read_bytes()
            self.assertEqual(wanted, hashlib.sha256(content).hexdigest(), name)

    def test_a_browser_tries_a_login_and_asks_no_other_host(self):
        chromium = shutil.which("chromium")
        self.assertIsNotNone(chromium, "chromium is missing: ./ci/test installs it")
        with server_of(*folders(BUILTIN)) as server:
            server.add_user("ada@example.com", "Note-1843")
            url = f"http://{server.host}:{server.port}"
            place = support.TOOLS / "browse"
            place.mkdir(exist_ok=True)
            shutil.copy(HERE / "browse.mjs", place)
            body = json.dumps({"deviceId": "browser", "email": "ada@example.com", "password": "Note-1843"})
            done = subprocess.run(
                ["node", "browse.mjs", chromium, url, "ktor", "login", body], capture_output=True, text=True, cwd=place,
                env=support.environment(), timeout=120,
            )
            self.assertEqual(0, done.returncode, f"{done.stdout}\n{done.stderr}")
            saw = json.loads(done.stdout)
            told = document(server, "ktor")
            self.assertEqual(sorted(f"{method} {path}" for method, path, _ in operations(told)), sorted(saw["operations"]))
            self.assertEqual(sorted(folders(BUILTIN)), saw["choices"])
            self.assertEqual({"deviceId", "email", "password"}, set(json.loads(saw["example"])))
            self.assertEqual(("200", "ada@example.com"), (saw["status"], json.loads(saw["answer"])["email"]))
            self.assertIn(f"{url}/api/ps/login", saw["asked"])
            others = [each for each in saw["asked"] if not each.startswith((f"{url}/", "data:"))]
            self.assertEqual(([], []), (others, saw["violations"]))
            self.assertEqual([], saw["said"])
            self.assertEqual([], saw["wide"], "wider than a telephone")
            self.assertNotEqual(*saw["backgrounds"])
