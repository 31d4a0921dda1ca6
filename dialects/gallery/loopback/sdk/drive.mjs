// LoopBack publishes no client for these endpoints; its tutorial sends them with the API explorer, which is plain HTTP.

import assert from "node:assert/strict";

const { MYNA_URL: url, MYNA_EMAIL: email, MYNA_PASSWORD: password, MYNA_NEW_PASSWORD: another } = process.env;

async function post(path, body) {
  const response = await fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function whoAmI(token) {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${url}/whoAmI`, { headers });
  return { status: response.status, body: await response.text() };
}

// The tutorial's login answers with a token, and that says who its bearer is.
const login = await post("/users/login", { email, password });
assert.equal(login.status, 200);
assert.deepEqual(Object.keys(login.body), ["token"]);
assert.deepEqual(await whoAmI(login.body.token), { status: 200, body: "1" });

for (const wrong of [{ email, password: "wrong password" }, { email: "nobody@example.com", password }]) {
  assert.deepEqual(await post("/users/login", wrong), {
    status: 401,
    body: { error: { statusCode: 401, name: "UnauthorizedError", message: "Invalid email or password." } },
  });
}

// The login with a refresh token; a refresh leaves that token as it is.
const tokens = (await post("/users/refresh-login", { email, password })).body;
assert.deepEqual(Object.keys(tokens), ["accessToken", "refreshToken"]);
for (let time = 0; time < 2; time += 1) {
  const refreshed = await post("/refresh", { refreshToken: tokens.refreshToken });
  assert.equal(refreshed.status, 200);
  assert.deepEqual(Object.keys(refreshed.body), ["accessToken"]);
  assert.deepEqual(await whoAmI(refreshed.body.accessToken), { status: 200, body: "1" });
}
const forged = await post("/refresh", { refreshToken: tokens.accessToken });
assert.equal(forged.status, 401);
assert.match(forged.body.error.message, /^Error verifying token : /);

for (const token of [undefined, "a.b.c", tokens.refreshToken]) {
  const refused = await whoAmI(token);
  assert.equal(refused.status, 401);
  assert.equal(JSON.parse(refused.body).error.name, "UnauthorizedError");
}

// Sign-up, once.
const newcomer = { email: "grace@example.com", password: another };
const created = await post("/users/signup", newcomer);
assert.equal(created.status, 200);
assert.deepEqual(created.body, { id: created.body.id, email: newcomer.email });
assert.match(created.body.id, /^\d+$/);
assert.equal((await post("/users/signup", newcomer)).body.error.name, "ConflictError");
assert.equal((await post("/users/login", newcomer)).status, 200);

const invalid = await post("/users/login", { email: "ada" });
assert.equal(invalid.status, 422);
assert.equal(invalid.body.error.code, "VALIDATION_FAILED");
assert.deepEqual(invalid.body.error.details.map(({ code }) => code).sort(), ["format", "required"]);

console.log("driven");
