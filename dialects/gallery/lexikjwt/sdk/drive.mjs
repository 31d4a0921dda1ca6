// The bundles publish no client; this sends what their documentation's curl lines send, and verifies the token with jose.

import assert from "node:assert/strict";
import { createRemoteJWKSet, jwtVerify } from "jose";

const { MYNA_URL: url, MYNA_USERNAME: username, MYNA_PASSWORD: password, MYNA_EMAIL: email } = process.env;

async function call(status, method, path, { json, form, token } = {}) {
  const headers = token ? { authorization: `Bearer ${token}` } : {};
  if (json) headers["content-type"] = "application/json";
  const body = json ? JSON.stringify(json) : form && new URLSearchParams(form);
  const answer = await fetch(url + path, { method, headers, body });
  const text = await answer.text();
  assert.equal(answer.status, status, `${method} ${path}: ${text}`);
  if (status === 401) assert.equal(answer.headers.get("www-authenticate"), "Bearer");
  return JSON.parse(text);
}

const login = (status, name = username, word = password) =>
  call(status, "POST", "/api/login_check", { json: { username: name, password: word } });
const refresh = (status, token) => call(status, "POST", "/api/token/refresh", { form: { refresh_token: token } });
const me = (status, token) => call(status, "GET", "/api/me", { token });

// A token that others can verify with the public key, and what it opens.
const first = await login(200);
const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", url));
const { payload, protectedHeader } = await jwtVerify(first.token, keys);
assert.deepEqual([protectedHeader.alg, payload.username, payload.exp - payload.iat], ["RS256", username, 3600]);
assert.deepEqual(await me(200, first.token), { id: 1, username, email, roles: [] });

// Refusals.
const refused = { code: 401, message: "Invalid credentials." };
assert.deepEqual(await login(401, username, "wrong"), refused);
assert.deepEqual(await login(401, "nobody"), refused);
assert.equal((await login(400, 7)).title, "An error occurred");
assert.deepEqual(await me(401), { code: 401, message: "JWT Token not found" });
assert.deepEqual(await me(401, "a.b.c"), { code: 401, message: "Invalid JWT Token" });

// A refresh token is good once; seen again, it ends the session.
const second = await refresh(200, first.refresh_token);
const third = await refresh(200, second.refresh_token);
await me(200, third.token);
assert.deepEqual(await refresh(401, first.refresh_token), { code: 401, message: "JWT Refresh Token Not Found" });
await refresh(401, third.refresh_token);
await me(401, third.token);

// After a logout neither token is worth anything.
const last = await login(200);
const invalidated = await call(200, "POST", "/api/token/invalidate", { form: { refresh_token: last.refresh_token } });
assert.equal(invalidated.message, "The supplied refresh_token has been invalidated.");
await refresh(401, last.refresh_token);
await me(401, last.token);
console.log("driven");
