"""What every end-to-end test needs: a running server, plain HTTP to it, the command line, folders that go away.

Nothing here knows a rule of the server; rules are in the tests.
"""

import atexit
import contextlib
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
# While a test is written, a debug build does: MYNA_E2E_BINARY=target/debug/myna.
BUILT = pathlib.Path(os.environ.get("MYNA_E2E_BINARY") or ROOT / "target" / "release" / "myna").absolute()
TOOLS = ROOT / "target" / "test-tools"
# The documents lie beside the repository where the project is developed; a clone alone has no copy of them.
DOCUMENTS = ROOT.parent / "shared" / "apis"

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 40

# A copy, made when the tests begin: a build beside them must not change the program in the middle of a test.
BINARY = pathlib.Path(tempfile.gettempdir()) / f"myna-e2e-{os.getpid()}"

# A password that the policy takes and no log may show.
CANARY = "Kanarienvogel-7311-hinter-der-Wand"

running = set()
_folders = set()


def stop_everything():
    """Ends every process that a test left behind and deletes every folder."""
    for process in list(running):
        with contextlib.suppress(OSError):
            process.kill()
            process.wait(10)
    running.clear()
    for folder in list(_folders):
        shutil.rmtree(folder, ignore_errors=True)
    _folders.clear()
    BINARY.unlink(missing_ok=True)


def take_binary():
    """Copies the program that is tested to where every test runs it."""
    shutil.copy2(BUILT, BINARY)


atexit.register(stop_everything)


def folder():
    """A new empty folder, deleted at the end of all tests."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="myna-e2e-"))
    _folders.add(path)
    return path


def free_port():
    """A port that was free just now: none of those that the system gives to connections that go out, or a client may sit on
    it when a server is started again."""
    return next(port for port in iter(lambda: random.randrange(15_000, 32_000), None) if is_free(port))


def is_free(port):
    """Whether a listener could take this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def environment(**more):
    """This process's environment without settings of ours and without proxies."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("MYNA_") and not name.lower().endswith("_proxy")
    }
    return {**kept, **more}


def run(*arguments, stdin="", cwd=None, status=0, timeout=60, **variables):
    """Runs `myna` to its end; fails when its exit status is not `status` (None: any)."""
    done = subprocess.run(
        [str(BINARY), *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        cwd=cwd or folder(),
        env=environment(**variables),
        timeout=timeout,
    )
    if status is not None and done.returncode != status:
        raise AssertionError(
            f"myna {' '.join(map(str, arguments))}: exit status {done.returncode}, expected {status}\n"
            f"stdout: {done.stdout}\nstderr: {done.stderr}"
        )
    return done


class Server:
    """A `myna serve` or `myna demo` on free ports with a data folder of its own."""

    def __init__(self, command="serve", https=True, data=None, config=None, **variables):
        self.folder = folder()
        self.data = pathlib.Path(data) if data else self.folder / "data"
        self.host = "127.0.0.1"
        self.port = free_port()
        self.tls_port = free_port() if https else None
        self.command = command
        self.variables = variables
        self.log_path = self.folder / "log"
        self.out_path = self.folder / "out"
        self.process = None
        self.config = None
        if config is not None:
            self.config = self.folder / "myna.toml"
            self.config.write_text(config)
        elif command == "serve" and https:
            self.config = self.folder / "myna.toml"
            self.config.write_text("[https]\nself_signed = true\n")

    def start(self):
        """Starts the server and waits until it is ready."""
        arguments = [str(BINARY), self.command, "--data", str(self.data), "--http", f"{self.host}:{self.port}"]
        if self.tls_port:
            arguments += ["--https", f"{self.host}:{self.tls_port}"]
        if self.config and self.command == "serve":
            arguments += ["--config", str(self.config)]
        with open(self.log_path, "ab") as log, open(self.out_path, "ab") as out:
            self.process = subprocess.Popen(
                arguments, stdout=out, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                env=environment(**self.variables),
            )
        running.add(self.process)
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            if self.process.poll() is not None:
                raise AssertionError(f"the server ended at its start:\n{self.log()}")
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.ask("GET", "/readyz").status == 200:
                    return self
            if time.monotonic() > deadline:
                raise AssertionError(f"the server was not ready after {START_SECONDS_MAX} s:\n{self.log()}")
            time.sleep(0.02)

    def stop(self):
        """Asks the server to stop; returns its exit status."""
        if self.process is None:
            return None
        self.process.terminate()
        return self.wait()

    def wait(self):
        """Waits for the end of the process; returns its exit status."""
        try:
            return self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the server did not stop within {STOP_SECONDS_MAX} s:\n{self.log()}") from None
        finally:
            running.discard(self.process)

    def kill(self):
        """`kill -9`."""
        self.process.kill()
        self.wait()

    def log(self):
        """Everything that the server wrote to standard error."""
        return self.log_path.read_text(errors="replace")

    @property
    def certificate(self):
        """The development certificate, for clients to trust."""
        return self.data / "dev-cert.pem"

    def ask(self, method, path, body=None, headers=None, tls=False, timeout=30):
        """One request on a connection of its own."""
        connection = self.connect(tls, timeout)
        try:
            return ask(connection, method, path, body, headers)
        finally:
            connection.close()

    def connect(self, tls=False, timeout=30):
        """A connection to be used for several requests."""
        if not tls:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        trust = ssl.create_default_context(cafile=str(self.certificate))
        return http.client.HTTPSConnection("localhost", self.tls_port, timeout=timeout, context=trust)

    def add_user(self, email, password, *more):
        """`myna user add`, with any password."""
        return run(
            "user", "add", "--email", email, "--password-stdin", "--allow-weak-password", "--data", self.data, *more,
            stdin=password + "\n",
        )

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.stop()


def ask(connection, method, path, body=None, headers=None):
    """One request on `connection`. `body`: bytes as they are, text as UTF-8, everything else as JSON."""
    headers = dict(headers or {})
    if body is not None and not isinstance(body, (bytes, str)):
        body = json.dumps(body)
    if isinstance(body, str):
        body = body.encode()
    if body is not None and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = "application/json"
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return Answer(response.status, response.getheaders(), response.read())


def bearer(token):
    """The header that carries an access token."""
    return {"Authorization": f"Bearer {token}"}


class Answer(types.SimpleNamespace):
    """Status, headers as a list of pairs, body as bytes."""

    def __init__(self, status, headers, body):
        super().__init__(status=status, headers=headers, body=body)

    @property
    def json(self):
        """The body as JSON, members in their order; fails when there are two of one name."""
        return json.loads(self.body, object_pairs_hook=_no_duplicates)

    @property
    def text(self):
        """The body as text."""
        return self.body.decode()

    def header(self, name):
        """The one value of a header; `None` without it."""
        found = [value for each, value in self.headers if each.lower() == name.lower()]
        if len(found) > 1:
            raise AssertionError(f"{name} is there {len(found)} times: {found}")
        return found[0] if found else None


def _no_duplicates(pairs):
    names = [name for name, _ in pairs]
    if len(names) != len(set(names)):
        raise AssertionError(f"a member is there twice: {names}")
    return dict(pairs)


def compact(value):
    """JSON as the server writes it: no spaces, members in the order given, Unicode as it is."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def node(script, *arguments, cwd=None):
    """Runs an ES module with Node; returns what it printed."""
    path = folder() / "script.mjs"
    path.write_text(script)
    done = subprocess.run(
        ["node", str(path), *map(str, arguments)], capture_output=True, text=True, env=environment(), timeout=60,
        cwd=cwd or TOOLS,
    )
    if done.returncode != 0:
        raise AssertionError(f"node: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done.stdout


def until(condition, seconds=20):
    """Waits until `condition` gives something true, and returns that; `None` when the time is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    return None
