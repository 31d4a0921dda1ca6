"""SIGTERM under load: every request that was sent gets its whole answer, and the exit status is 0."""

import http.client
import threading
import time
import unittest

import support
from support import ask

CLIENTS_EACH = 4
LOAD_SECONDS = 1.5


class Client(threading.Thread):
    """Asks again and again on a kept-alive connection, until no connection is taken any more."""

    def __init__(self, server, tls):
        super().__init__(daemon=True)
        self.server = server
        self.tls = tls
        self.answered = 0
        self.after_stop = 0
        self.failure = None

    def run(self):
        connection = None
        try:
            while True:
                if connection is None:
                    try:
                        connection = self.server.connect(self.tls)
                        connection.connect()
                    except OSError:
                        # Refused, or closed before anything was sent: nothing was accepted.
                        return
                answer = self.next(connection)
                if answer.status != 200:
                    raise AssertionError(f"{answer.status} {answer.body}")
                self.answered += 1
                if (answer.header("Connection") or "").lower() == "close":
                    self.after_stop += 1
                    connection.close()
                    connection = None
        except (OSError, http.client.HTTPException, AssertionError) as failure:
            self.failure = failure
        finally:
            if connection:
                connection.close()


class Login(Client):
    def next(self, connection):
        return ask(connection, "POST", "/api/login", {"email": "foo@gmail.com", "password": "foo"})


class Refresh(Client):
    token = None

    def next(self, connection):
        if self.token is None:
            answer = ask(connection, "POST", "/api/v1/login", {"email": "admin@example.com", "password": "123456"})
        else:
            answer = ask(connection, "POST", "/api/v1/token/refresh", {"refresh_token": self.token})
        if answer.status == 200:
            self.token = answer.json["data"]["refresh_token"]
        return answer


class Stop(unittest.TestCase):
    def test_sigterm_under_load(self):
        server = support.Server("demo").start()
        kinds = [(kind, tls) for kind in (Login, Refresh) for tls in (False, True)]
        clients = [kind(server, tls) for kind, tls in kinds for _ in range(CLIENTS_EACH // 2)]
        for client in clients:
            client.start()
        time.sleep(LOAD_SECONDS)
        stopped = time.monotonic()
        status = server.stop()
        took = time.monotonic() - stopped
        for client in clients:
            client.join(30)
        self.assertEqual([client.failure for client in clients if client.failure], [])
        self.assertFalse([client for client in clients if client.is_alive()])
        self.assertEqual(status, 0, server.log())
        self.assertTrue(all(client.answered > 3 for client in clients), [client.answered for client in clients])
        self.assertIn("stopped", server.log())
        self.assertNotIn("connections were cut", server.log())
        self.assertLess(took, 10)

    def test_an_idle_connection_does_not_hold_up_the_stop(self):
        server = support.Server(https=False).start()
        connection = server.connect()
        self.assertEqual(ask(connection, "GET", "/healthz").status, 200)
        started = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - started, 5)
        connection.close()


if __name__ == "__main__":
    unittest.main()
