"""Three database machines, each with etcd, Patroni and PostgreSQL, and a HAProxy.

A machine is a folder: whatever runs in it is its own, so that all of it can be killed, frozen and woken at one blow.
"""

import glob
import http.client
import os
import pathlib
import pwd
import secrets
import signal
import string
import subprocess
import time

import postgres
import support
from network import Network

HERE = pathlib.Path(__file__).resolve().parent
NAMES = ("a", "b", "c")
USER = postgres.USER
# A cluster that is not whole again by then is broken.
WHOLE_SECONDS_MAX = 180


def own(path):
    """Gives a new folder to the user as whom everything runs."""
    path.mkdir(exist_ok=True)
    if os.geteuid() == 0:
        user = pwd.getpwnam(USER)
        os.chown(path, user.pw_uid, user.pw_gid)
    return path


def spawn(folder, name, command, inside=()):
    """Starts a program whose working directory is `folder`, by which it is found again."""
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", *command]
    command = [*inside, *command]
    with open(folder / f"{name}.log", "ab") as log:
        process = subprocess.Popen(
            [str(part) for part in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True, env=support.environment(),
        )
    support.running.add(process)


def processes(folder):
    """The ids of all processes that work in `folder` or below; with the first word of each one's command line."""
    found = {}
    for path in glob.glob("/proc/[0-9]*"):
        try:
            where = pathlib.Path(os.readlink(f"{path}/cwd"))
            words = pathlib.Path(path, "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if where == folder or folder in where.parents:
            found[int(path.rsplit("/", 1)[1])] = words
    return found


def send(number, folder, holds=""):
    """Sends a signal to every process of a folder, or those whose command line holds a text; a second time for children."""
    for _ in range(2):
        for process, words in processes(folder).items():
            if holds in words:
                try:
                    os.kill(process, number)
                except ProcessLookupError:
                    pass


def end(folder, holds=""):
    """`kill -9`; all stand still first, so that none sees the others die."""
    send(signal.SIGSTOP, folder, holds)
    send(signal.SIGKILL, folder, holds)


class Machine:
    """One database machine."""

    def __init__(self, name, network, root, values):
        self.name, self.address, self.network = name, network.addresses[name], network
        self.folder = own(root / name)
        self.values = {**values, "name": name, "address": self.address, "folder": self.folder}

    def write(self, template):
        text = string.Template((HERE / template).read_text()).substitute(self.values)
        path = self.folder / template
        path.write_text(text)
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(path, user.pw_uid, user.pw_gid)
        path.chmod(0o600)
        return path

    def start_etcd(self):
        spawn(self.folder, "etcd", ["etcd", "--config-file", self.write("etcd.yml")], self.network.inside(self.name))

    def start(self):
        """Starts etcd and Patroni, where they do not run."""
        words = " ".join(processes(self.folder).values())
        if "etcd.yml" not in words:
            self.start_etcd()
        if "patroni.yml" not in words:
            command = [self.values["patroni"], self.write("patroni.yml")]
            spawn(self.folder, "patroni", command, self.network.inside(self.name))

    def kill(self):
        """Everything on it dies, as with its power cut."""
        end(self.folder)

    def freeze(self):
        send(signal.SIGSTOP, self.folder)

    def thaw(self):
        send(signal.SIGCONT, self.folder)

    def ask(self, path):
        """What Patroni says on its port; `None` when it says nothing."""
        connection = http.client.HTTPConnection(self.address, 8008, timeout=1)
        try:
            return support.ask(connection, "GET", path).json
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def tell(self, path, body, method="POST"):
        """Tells Patroni to do something; waits for the end of it."""
        connection = http.client.HTTPConnection(self.address, 8008, timeout=60)
        try:
            answer = support.ask(connection, method, path, body)
        finally:
            connection.close()
        if answer.status != 200:
            raise AssertionError(f"Patroni refuses {path}: {answer.status} {answer.text}")

    def change(self, settings):
        """Alters the configuration of the whole cluster."""
        self.tell("/config", settings, "PATCH")


def leader_of(view):
    return next((name for name, member in view.items() if member["role"] == "leader"), None)


def is_whole(view):
    roles = sorted(member["role"] for member in view.values())
    states = sorted(member["state"] for member in view.values())
    lines = {member.get("timeline") for member in view.values()}
    return roles == ["leader", "quorum_standby", "quorum_standby"] and states == ["running", "streaming", "streaming"] \
        and len(lines) == 1


class Cluster:
    """The three machines and the HAProxy."""

    def __init__(self, patroni):
        self.root = own(support.folder())
        self.root.chmod(0o755)
        self.network = Network(NAMES)
        self.passwords = {name: secrets.token_hex(12) for name in ("superuser", "replication", "rewind", "myna")}
        programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.values = {
            **self.network.addresses, **{f"{name}_password": word for name, word in self.passwords.items()},
            "network": self.network.range, "programs": programs, "patroni": patroni, "watchdog": "off",
        }
        self.machines = [Machine(name, self.network, self.root, self.values) for name in NAMES]
        self.proxy_folder = own(self.root / "proxy")

    def start(self):
        self.network.start()
        for machine in self.machines:
            machine.start_etcd()
        time.sleep(1)
        for machine in self.machines:
            machine.start()
        self.start_proxy()
        self.wait_whole()
        self.sql("CREATE ROLE myna LOGIN PASSWORD '" + self.passwords["myna"] + "'")
        self.sql("CREATE DATABASE myna OWNER myna")

    def stop(self):
        """Leaves nothing behind."""
        end(self.root)
        self.network.stop()

    def start_proxy(self):
        values = {**self.values, "address": self.network.outside}
        path = self.proxy_folder / "haproxy.cfg"
        path.write_text(string.Template((HERE / "haproxy.cfg").read_text()).substitute(values))
        spawn(self.proxy_folder, "haproxy", ["/usr/sbin/haproxy", "-db", "-f", path])

    def kill_proxy(self):
        end(self.proxy_folder)

    def views(self):
        """What each Patroni that answers says of the machines, by name. One that was away may tell of the past."""
        said = (machine.ask("/cluster") for machine in self.machines)
        return [{member["name"]: member for member in view.get("members", [])} for view in said if view]

    def is_whole(self):
        """All three say the same: one leader, two standbys that stream, and both of them count for a commit."""
        views = self.views()
        return len(views) == len(NAMES) and len({leader_of(view) for view in views}) == 1 and all(map(is_whole, views))

    def wait_whole(self):
        if not support.until(self.is_whole, WHOLE_SECONDS_MAX):
            raise AssertionError(f"the cluster is not whole after {WHOLE_SECONDS_MAX} s: {self.views()}")

    def leader(self):
        """The machine that holds the leader's place, as most say."""
        named = [leader_of(view) for view in self.views()]
        return next(machine for machine in self.machines if named.count(machine.name) * 2 > len(named))

    def standby(self):
        """One that is not the leader."""
        leader = self.leader()
        return next(machine for machine in self.machines if machine is not leader)

    def address(self, hosts, user="myna", database="myna"):
        word = self.passwords["superuser" if user == "postgres" else user]
        # Between machines Myna insists on encryption, unless it is told otherwise.
        return f"postgres://{user}:{word}@{hosts}/{database}?sslmode=disable"

    def sql(self, text, database="postgres"):
        """Asks the leader, whom Patroni names: no machine that only believes that it is the leader."""
        address = self.address(self.leader().address, "postgres", database)
        return postgres.run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", text, address).strip()
