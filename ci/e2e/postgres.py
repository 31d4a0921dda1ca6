"""A real PostgreSQL of its own for a test: in a temporary folder, on a free port, as the server's own user where we are root."""

import glob
import os
import pwd
import shutil
import signal
import subprocess

import support

USER = "postgres"


class Postgres:
    """One running server. `settings`: lines of postgresql.conf."""

    def __init__(self, *settings):
        self.folder = support.folder()
        if os.geteuid() == 0:
            user = pwd.getpwnam(USER)
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.data = self.folder / "data"
        self.port = support.free_port()
        run("initdb", "-D", self.data, "-U", USER, "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync")
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\n")
            conf.write("max_connections = 200\n" + "".join(line + "\n" for line in settings))

    def start(self):
        run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "start")
        return self

    def stop(self, mode="immediate"):
        run("pg_ctl", "-D", self.data, "-m", mode, "-w", "stop", check=False)

    def kill(self):
        """`kill -9` of the server and of all its processes."""
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(first)], capture_output=True, text=True, check=False)
        os.kill(first, signal.SIGSTOP)
        for process in [*map(int, listed.stdout.split()), first]:
            try:
                os.kill(process, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def address(self, database, user=USER, port=None):
        return f"postgres://{user}@127.0.0.1:{port or self.port}/{database}"

    def database(self, name):
        """Makes an empty database; its address."""
        self.sql(f"CREATE DATABASE {name}")
        return self.address(name)

    def sql(self, text, database="postgres"):
        done = run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.port, "-U", USER,
                   "-d", database, "-c", text)
        return done.strip()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def run(program, *arguments, check=True):
    """Runs one of PostgreSQL's programs; what it printed."""
    found = sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{program}"))
    command = [found[-1] if found else shutil.which(program) or program, *map(str, arguments)]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups", *command]
    # Through files: a server that is started would keep a pipe open.
    output = support.folder() / "output"
    with open(output, "w") as out:
        status = subprocess.run(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd="/", check=False).returncode
    text = output.read_text(errors="replace")
    if check and status != 0:
        raise AssertionError(f"{command}: exit status {status}\n{text}")
    return text
