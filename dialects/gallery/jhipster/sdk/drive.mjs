// JHipster generates its client into the application; this sends what that client sends.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

const { MYNA_URL: url, MYNA_MAIL: mails, MYNA_EMAIL: email } = process.env;
const { MYNA_USERNAME: username, MYNA_PASSWORD: password, MYNA_NEW_PASSWORD: newPassword } = process.env;

async function call(status, method, path, { body, token, type = "application/json" } = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (body !== undefined) headers["content-type"] = type;
  const sent = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(`${url}/api/${path}`, { method, headers, body: sent });
  const text = await answer.text();
  assert.equal(answer.status, status, `${method} ${path}: ${text}`);
  if (status >= 400 && text) assert.equal(answer.headers.get("content-type"), "application/problem+json");
  return { headers: answer.headers, text, json: text.startsWith("{") ? JSON.parse(text) : undefined };
}

const post = (status, path, body, token) => call(status, "POST", path, { body, token });
const authenticate = (status, name = username, word = password) =>
  post(status, "authenticate", { username: name, password: word, rememberMe: true });

async function mailedKey() {
  for (let tries = 0; tries < 200; tries++) {
    const [name] = (await readdir(mails).catch(() => [])).filter((each) => each.endsWith(".eml"));
    if (name) {
      const text = (await readFile(`${mails}/${name}`, "utf8")).replaceAll("=\r\n", "").replaceAll("=3D", "=");
      return new URL(text.match(/https:\/\/\S+/)[0]).searchParams.get("token");
    }
    await setTimeout(50);
  }
  assert.fail("no mail came");
}

// The token is in the body and in a header; the client keeps either and asks for the account.
const login = await authenticate(200);
const token = login.json.id_token;
assert.equal(login.headers.get("authorization"), `Bearer ${token}`);
const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
assert.deepEqual([claims.sub, claims.auth], [username, "ROLE_USER"]);
const account = (await call(200, "GET", "account", { token })).json;
assert.deepEqual([account.login, account.email, account.activated], [username, email, true]);
assert.equal((await call(200, "GET", "authenticate", { token })).text, username);
assert.equal((await call(200, "GET", "authenticate")).text, "");
assert.equal((await call(401, "GET", "account")).headers.get("www-authenticate"), "Bearer");
await call(401, "GET", "account", { token: `${token}x` });

// A wrong password and an unknown user are one problem.
const refused = (await authenticate(401, username, "wrong")).json;
assert.equal(refused.message, "error.http.401");
assert.deepEqual((await authenticate(401, "nobody")).json, refused);
assert.equal((await post(400, "authenticate", {})).json.fieldErrors.length, 2);

// Registration.
const grace = { login: "grace", email: "grace@example.com", password: newPassword, langKey: "en" };
await post(201, "register", grace);
await authenticate(200, "grace", newPassword);
assert.equal((await post(400, "register", grace)).json.status, 400);
assert.match((await post(400, "register", { ...grace, login: "g", email: "g@example.com", password: "1" })).json.type, /invalid-password$/);

// A changed password ends the other tokens.
const other = (await authenticate(200)).json.id_token;
const path = "account/change-password";
assert.match((await post(400, path, { currentPassword: "wrong", newPassword }, token)).json.type, /invalid-password$/);
await post(200, path, { currentPassword: password, newPassword }, token);
await call(401, "GET", "account", { token: other });
await call(200, "GET", "account", { token });
await authenticate(401);

// A forgotten one: the body of the first call is the address and nothing else.
for (const address of ["nobody@example.com", email])
  await call(200, "POST", "account/reset-password/init", { body: address, type: "text/plain" });
const key = await mailedKey();
await post(400, "account/reset-password/finish", { key: "x", newPassword: password });
await post(200, "account/reset-password/finish", { key, newPassword: password });
await call(401, "GET", "account", { token });
await authenticate(200);
console.log("driven");
