"""`kill -9` at random moments during writes: what was acknowledged is still there, and nothing comes back to life."""

import contextlib
import http.client
import random
import time
import unittest

import acknowledged
import support
from support import ask

ROUNDS = 5
CLIENTS = 4


class Client(acknowledged.Client):
    """Asks once, until its server is killed."""

    def run(self):
        connection = self.server.connect()
        with contextlib.suppress(OSError, http.client.HTTPException):
            while self.wrong is None and not self.stopped.is_set():
                self.live(connection)
        connection.close()

    def post(self, connection, path, body, headers=None):
        answer = ask(connection, "POST", f"/api/v1/{path}", body, headers)
        if answer.status != 200:
            self.wrong = f"{path}: {answer.status} {answer.body}"
            raise ConnectionAbortedError(self.wrong)
        return answer.json["data"]

    def sign_out(self, connection, email, headers):
        # While its answer is out nobody can say whether it holds.
        token = self.tokens.pop(email)
        self.post(connection, "logout", {"token": token}, headers)
        self.signed_out[email] = token


class Crash(unittest.TestCase):
    def test_acknowledged_writes_survive(self):
        seed = time.time_ns()
        chance = random.Random(seed)
        # Cheap hashes, as far as the settings go: this is about the disk.
        server = support.Server(
            https=False, MYNA_PASSWORD_MEMORY="7MiB", MYNA_PASSWORD_PASSES="5", MYNA_LOG_LEVEL="warn"
        )
        server.start()
        users, signed_out, counts = [], {}, [0, 0, 0]
        for round_number in range(ROUNDS):
            clients = [Client(server, random.Random(chance.random())) for _ in range(CLIENTS)]
            for client in clients:
                client.start()
            time.sleep(chance.uniform(0.3, 1.0))
            server.kill()
            for client in clients:
                client.join(60)
                self.assertFalse(client.is_alive())
                self.assertIsNone(client.wrong)
            server.start()
            with self.subTest(round=round_number, seed=seed):
                for client in clients:
                    acknowledged.check(self, server, client)
                    users += client.users
                    signed_out |= client.signed_out
                    done = (len(client.users), client.rotations, len(client.signed_out))
                    counts = [before + now for before, now in zip(counts, done)]
        # Nothing of an earlier round was undone by a later crash.
        connection = server.connect()
        for email, token in chance.sample(sorted(signed_out.items()), min(50, len(signed_out))):
            self.assertEqual(acknowledged.refresh(connection, token).status, 401, f"{email}: seed {seed}")
        for email in chance.sample(users, min(50, len(users))):
            self.assertEqual(acknowledged.login(connection, email).status, 200, f"{email}: seed {seed}")
        connection.close()
        self.assertEqual(server.stop(), 0)
        # Else nothing was shown.
        self.assertTrue(all(count > ROUNDS for count in counts), f"registered, rotated, signed out: {counts}")


if __name__ == "__main__":
    unittest.main()
