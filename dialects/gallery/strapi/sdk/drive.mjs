// @strapi/client. It has no calls of its own for signing in: its `fetch` sends what the documentation shows, and a client made
// with `auth` carries the JWT from then on.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { strapi } from "@strapi/client";

const {
  MYNA_URL: url, MYNA_EMAIL: email, MYNA_USERNAME: username, MYNA_PASSWORD: password, MYNA_NEW_PASSWORD: another,
  MYNA_MAIL: mail,
} = process.env;
const baseURL = `${url}/api`;
const visitor = strapi({ baseURL });
const bearer = (auth) => strapi({ baseURL, auth });

async function post(client, path, body) {
  const headers = { "Content-Type": "application/json" };
  const response = await client.fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  return response.json();
}

/** The client's own error, and in it the server's. */
async function refused(promise, name, status, error) {
  const thrown = await promise.then(() => assert.fail("not refused"), (reason) => reason);
  assert.equal(thrown.name, name, thrown.stack);
  assert.equal(thrown.response.status, status);
  const body = await thrown.response.json();
  assert.equal(body.data, null);
  assert.deepEqual({ name: body.error.name, message: body.error.message }, error);
}

const login = await post(visitor, "/auth/local", { identifier: email, password });
assert.deepEqual(Object.keys(login), ["jwt", "user"]);
assert.deepEqual(
  { id: login.user.id, username: login.user.username, email: login.user.email, blocked: login.user.blocked },
  { id: 1, username, email, blocked: false },
);
assert.match(login.user.createdAt, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
assert.equal((await post(visitor, "/auth/local", { identifier: username, password })).user.id, 1);
for (const wrong of [{ identifier: email, password: "wrong" }, { identifier: "nobody", password }]) {
  const error = { name: "ValidationError", message: "Invalid identifier or password" };
  await refused(post(visitor, "/auth/local", wrong), "HTTPBadRequestError", 400, error);
}
await refused(post(visitor, "/auth/local", { password }), "HTTPBadRequestError", 400, {
  name: "ValidationError",
  message: "identifier is a required field",
});

// The client asks for a user by id; `me` is one.
assert.deepEqual(await bearer(login.jwt).collection("users").findOne("me"), login.user);
await refused(visitor.collection("users").findOne("me"), "HTTPForbiddenError", 403, {
  name: "ForbiddenError",
  message: "Forbidden",
});
await refused(bearer("a.b.c").collection("users").findOne("me"), "HTTPAuthorizationError", 401, {
  name: "UnauthorizedError",
  message: "Missing or invalid credentials",
});

const newcomer = { username: "grace", email: "grace@example.com", password: another };
const registered = await post(visitor, "/auth/local/register", newcomer);
assert.equal((await bearer(registered.jwt).collection("users").findOne("me")).username, "grace");
await refused(post(visitor, "/auth/local/register", newcomer), "HTTPBadRequestError", 400, {
  name: "ApplicationError",
  message: "Email or Username are already taken",
});

// A change of the password: the answer's JWT is good, the one before is not any more.
const change = { currentPassword: password, password: another, passwordConfirmation: another };
await refused(
  post(bearer(login.jwt), "/auth/change-password", { ...change, currentPassword: "wrong" }),
  "HTTPBadRequestError", 400, { name: "ValidationError", message: "The provided current password is invalid" },
);
await refused(
  post(bearer(login.jwt), "/auth/change-password", { ...change, passwordConfirmation: "another" }),
  "HTTPBadRequestError", 400, { name: "ValidationError", message: "Passwords do not match" },
);
const changed = await post(bearer(login.jwt), "/auth/change-password", change);
assert.equal((await bearer(changed.jwt).collection("users").findOne("me")).id, 1);

// A reset by mail.
assert.deepEqual(await post(visitor, "/auth/forgot-password", { email: "nobody@example.com" }), { ok: true });
assert.deepEqual(await post(visitor, "/auth/forgot-password", { email }), { ok: true });
let letter;
for (let time = 0; letter === undefined && time < 200; time += 1) {
  await pause(50);
  letter = readdirSync(mail).find((name) => name.endsWith(".eml"));
}
const text = readFileSync(join(mail, letter), "utf8").replaceAll("=\r\n", "").replaceAll("=3D", "=");
const code = /[?&]token=([\w.-]+)/.exec(text)[1];
const reset = { code, password: `${another} again`, passwordConfirmation: `${another} again` };
const afterwards = await post(visitor, "/auth/reset-password", reset);
assert.equal(afterwards.user.id, 1);
assert.equal((await bearer(afterwards.jwt).collection("users").findOne("me")).id, 1);
await refused(post(visitor, "/auth/reset-password", reset), "HTTPBadRequestError", 400, {
  name: "ValidationError",
  message: "Incorrect code provided",
});
await post(visitor, "/auth/local", { identifier: email, password: reset.password });

console.log("driven");
