"""Hostile bodies and headers for every endpoint of every dialect of the gallery: each gets an answer that the dialect's own
document knows, with its status and its media type, and nothing is logged as an error."""

import json
import unittest

import support
from test_gallery import names

DEEP = b"[" * 5000
BODIES = [
    b"", b" ", b"{", b"[]", b"null", b"0", b'"text"', b"\x00", b"\xff\xfe", b"{}", b'{"a":1,"a":2}', DEEP, b'{"a":' * 50,
    b'{"username":{"$gt":""},"password":{"$gt":""}}', b"a=1&a=2", b"a", b"=", b"%zz=%zz", b"<a/>", b"--x\r\n\r\n--x--\r\n",
    b"x" * 70_000, b'{"' + b"x" * 60_000 + b'":1}',
]
TYPES = [
    None, "application/json", "application/json; charset=utf-16", "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x", "multipart/form-data", "text/plain", "text/xml", "x", "",
]
HEADERS = [
    {"Authorization": "Bearer"}, {"Authorization": "Bearer " + "a" * 4000}, {"Authorization": 'MediaBrowser Token="'},
    {"Authorization": "Basic ="}, {"Cookie": "=;=;a"}, {"X-Auth-Token": "\x7f", "X-User-Id": "'"},
    {"Accept": "nothing/at-all"}, {"Accept-Language": "*;q=x"}, {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
]


def resolved(document, answer):
    """The answer itself where there is a reference to it."""
    for part in answer.get("$ref", "#").split("/")[1:]:
        document = document[part]
    return document if "$ref" in answer else answer


def endpoints(document):
    """Every method and path, with the documented answers: status → media types."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if isinstance(operation, dict) and "responses" in operation:
                answers = {
                    status: set(resolved(document, answer).get("content", {}))
                    for status, answer in operation["responses"].items()
                }
                yield method.upper(), path.replace("{", "").replace("}", ""), answers


def essence(answer):
    kind = answer.header("content-type")
    return kind.split(";")[0].strip() if kind else None


class BadInput(unittest.TestCase):
    def assert_known(self, answer, answers, told):
        self.assertLess(answer.status, 500, told)
        self.assertIn(str(answer.status), answers, told)
        kind = essence(answer)
        if kind is not None:
            kinds = {each.split(";")[0].strip() for each in answers[str(answer.status)]}
            self.assertIn(kind, kinds, told)
            if kind.endswith("json"):
                answer.json
        else:
            # RFC 9110 §8.3: what has no type is nothing, or something that the dialect says has none.
            self.assertTrue(not answer.body or not answers[str(answer.status)], told)

    def each(self, name):
        document = json.loads(support.run("dialect", "openapi", name).stdout)
        config = f'[dialects]\nenabled = ["{name}"]\n'
        with support.Server("serve", https=False, config=config) as server:
            connection = server.connect()
            for method, path, answers in endpoints(document):
                requests = [(body, {"Content-Type": kind}) for body in BODIES for kind in TYPES if kind is not None]
                requests += [(body, {}) for body in BODIES] + [(None, headers) for headers in HEADERS]
                for body, headers in requests:
                    told = f"{name}: {method} {path} {headers} {(body or b'')[:40]!r}"
                    connection.request(method, path, body, headers)
                    response = connection.getresponse()
                    answer = support.Answer(response.status, response.getheaders(), response.read())
                    if answer.status == 431:
                        connection.close()  # what was not read is not read any more
                    with self.subTest(told):
                        self.assert_known(answer, answers, f"{told} → {answer.status} {answer.headers} {answer.body[:200]!r}")
            connection.close()
            self.assertNotIn("ERROR", server.log())
            self.assertNotIn("panicked", server.log())


def bad_input(name):
    return lambda self: self.each(name)


for each in names():
    setattr(BadInput, f"test_{each}_answers_in_its_own_shape", bad_input(each))


if __name__ == "__main__":
    unittest.main()
