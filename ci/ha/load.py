"""People who register, log in, refresh and log out, and know what was promised to them. `grace`: for how many seconds a
repeated refresh gets the same answer again.

Each request is repeated until it is answered, with the same token, as an honest client does. A promise that does not hold
is kept as `lost`.
"""

import http.client
import itertools
import threading
import time

import support
from support import bearer

PASSWORD = support.CANARY
PATIENCE_SECONDS = 20
KINDS = ("registration", "login", "refresh", "logout")


class Record:
    """What has been promised; shared by all."""

    def __init__(self, nodes, grace, pause):
        self.grace, self.pause = grace, pause
        self.lock = threading.Lock()
        self.times = [[] for _ in nodes]
        self.emails = []
        self.parked = []
        self.ended = []
        self.counts = dict.fromkeys((*KINDS, "in doubt", "late"), 0)
        self.lost = []

    def acknowledge(self, node, kind):
        with self.lock:
            self.times[node].append(time.monotonic())
            self.counts[kind] += 1

    def count(self, what):
        with self.lock:
            self.counts[what] += 1

    def lose(self, what):
        with self.lock:
            self.lost.append(what)

    def longest_gap(self, node, since, until):
        """The longest time between two acknowledged changes at a node."""
        with self.lock:
            times = [at for at in self.times[node] if since - 1 <= at <= until]
        edges = [since, *[at for at in times if at >= since], until]
        return max((after - before for before, after in itertools.pairwise(edges)), default=0.0)

    def last(self, node):
        with self.lock:
            return self.times[node][-1] if self.times[node] else 0.0


class Person(threading.Thread):
    """Somebody at one node, one request after the other."""

    numbers = itertools.count(1)

    def __init__(self, record, nodes, node):
        super().__init__(daemon=True)
        self.record, self.nodes, self.node = record, nodes, node
        self.connection = None
        self.stopping = threading.Event()
        # Set while nothing is asked.
        self.resting = threading.Event()
        self.at_rest = threading.Event()
        self.failure = None

    def ask(self, path, body, headers=None):
        """The answer, and for how many seconds an earlier try may have been done unheard; 0 when there was none."""
        first, doubt = time.monotonic(), False
        while not self.stopping.is_set():
            try:
                if self.connection is None:
                    self.connection = self.nodes[self.node].connect(timeout=PATIENCE_SECONDS)
                answer = support.ask(self.connection, "POST", path, body, headers)
                if answer.status < 500 and answer.status != 429:
                    return answer, time.monotonic() - first if doubt else 0
            except (OSError, http.client.HTTPException):
                if self.connection:
                    self.connection.close()
                self.connection = None
            if not doubt:
                self.record.count("in doubt")
            doubt = True
            time.sleep(0.1)
        raise InterruptedError

    def register(self):
        self.email = f"person{next(self.numbers)}@example.com"
        body = {"name": "Ada", "email": self.email, "password": PASSWORD, "password_confirmation": PASSWORD}
        answer, doubt = self.ask("/api/v1/register", body)
        if answer.status == 422 and doubt:
            # It was done unheard.
            self.acknowledge("registration", self.email)
            return self.login()
        if answer.status != 200:
            return self.record.lose(f"registration of {self.email}: {answer.status}")
        self.acknowledge("registration", self.email)
        return answer.json["data"]

    def acknowledge(self, kind, email=None):
        self.record.acknowledge(self.node, kind)
        if email:
            with self.record.lock:
                self.record.emails.append(email)

    def login(self):
        answer, _ = self.ask("/api/v1/login", {"email": self.email, "password": PASSWORD})
        if answer.status != 200:
            self.record.lose(f"login of {self.email}: {answer.status}")
            return self.register()
        self.acknowledge("login")
        return answer.json["data"]

    def refresh(self, tokens):
        answer, doubt = self.ask("/api/v1/token/refresh", {"refresh_token": tokens["refresh_token"]})
        if answer.status == 200:
            self.acknowledge("refresh")
            return answer.json["data"]
        if doubt > self.record.grace:
            # The first try was done, and the repetition came after the grace: a copy, for all that the server knows.
            self.record.count("late")
        else:
            self.record.lose(f"session of {self.email}: {answer.status}")
        return None

    def logout(self, tokens):
        answer, doubt = self.ask("/api/v1/logout", {"token": tokens["refresh_token"]}, bearer(tokens["access_token"]))
        if answer.status != 200 and not (doubt and answer.status == 401):
            return self.record.lose(f"logout of {self.email}: {answer.status}")
        self.acknowledge("logout")
        with self.record.lock:
            self.record.ended.append(tokens["refresh_token"])
        return None

    def live(self):
        tokens = self.register()
        for step in itertools.count(self.node * 7):
            while self.resting.is_set() and not self.stopping.is_set():
                self.at_rest.set()
                time.sleep(0.02)
            self.at_rest.clear()
            if tokens is None:
                tokens = self.login()
            elif step % 40 == 39:
                # This session is left as it is, and has to be there at the end.
                with self.record.lock:
                    self.record.parked.append((self.email, tokens["refresh_token"]))
                tokens = self.register()
            elif step % 10 == 9:
                tokens = self.logout(tokens)
            else:
                tokens = self.refresh(tokens)
            time.sleep(self.record.pause)

    def run(self):
        try:
            self.live()
        except InterruptedError:
            pass
        except Exception as error:  # noqa: BLE001: a person who is gone would make every figure look good
            self.failure = error


class Load:
    """Several people at each node."""

    def __init__(self, nodes, each, grace, pause):
        self.nodes = nodes
        self.record = Record(nodes, grace, pause)
        self.people = [Person(self.record, nodes, node) for node in range(len(nodes)) for _ in range(each)]

    def start(self):
        for person in self.people:
            person.start()

    def stop(self):
        for person in self.people:
            person.stopping.set()
        for person in self.people:
            person.join(60)

    def rest(self):
        """Waits until everybody has an answer to the last request and asks nothing more."""
        for person in self.people:
            person.at_rest.clear()
            person.resting.set()
        for person in self.people:
            if not support.until(lambda each=person: each.at_rest.is_set() or not each.is_alive(), 120):
                raise AssertionError("somebody has had no answer for two minutes")
            if person.failure:
                raise AssertionError("the load is broken") from person.failure

    def go_on(self):
        for person in self.people:
            person.resting.clear()

    def check(self, emails):
        """Asks for everything that was promised since the last check. `emails`: of the users there are."""
        record, known = self.record, set(emails)
        for email in record.emails:
            if email not in known:
                record.lose(f"registration of {email}: there is no such user")
        for at, (email, token) in enumerate(record.parked):
            answer = self.nodes[at % len(self.nodes)].ask("POST", "/api/v1/token/refresh", {"refresh_token": token})
            if answer.status != 200:
                record.lose(f"session of {email}, left alone: {answer.status}")
        for at, token in enumerate(record.ended):
            answer = self.nodes[at % len(self.nodes)].ask("POST", "/api/v1/token/refresh", {"refresh_token": token})
            if answer.status != 401:
                record.lose(f"a logout: its session answers {answer.status}")
        record.parked.clear()
        record.ended.clear()
