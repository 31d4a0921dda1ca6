// LoopBack publishes no client for these endpoints; its tutorial sends them with the API explorer, which is plain HTTP.

import assert from "node:assert/strict";

const { MYNA_URL: url, MYNA_EMAIL: email, MYNA_PASSWORD: password } = process.env;

const post = (path, body) =>
  fetch(url + path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

const login = await post("/users/login", { email, password });
assert.equal(login.status, 200);
const { token } = await login.json();
assert.match(token, /^[\w-]+\.[\w-]+\.[\w-]+$/);

for (const wrong of [{ email, password: "wrong password" }, { email: "nobody@example.com", password }]) {
  const refused = await post("/users/login", wrong);
  assert.equal(refused.status, 401);
  assert.deepEqual(await refused.json(), {
    error: { statusCode: 401, name: "UnauthorizedError", message: "Invalid email or password." },
  });
}
console.log("driven");
