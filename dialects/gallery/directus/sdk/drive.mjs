// @directus/sdk with each of its three modes. Cookies need a browser; here it is a jar around `fetch`, handed to the SDK as its
// documentation says. The cookies are Secure, so everything goes over HTTPS.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import {
  authentication, createDirectus, isDirectusError, passwordRequest, passwordReset, readMe, readProviders, registerUser,
  rest, serverPing,
} from "@directus/sdk";
import makeFetchCookie from "fetch-cookie";

const {
  MYNA_HTTPS_URL: url, MYNA_EMAIL: email, MYNA_FIRST_NAME: firstName, MYNA_PASSWORD: password,
  MYNA_NEW_PASSWORD: another, MYNA_MAIL: mail,
} = process.env;

function client(mode, jar) {
  const fetch = jar === undefined ? globalThis.fetch : makeFetchCookie(globalThis.fetch, jar);
  return createDirectus(url, { globals: { fetch } })
    .with(authentication(mode, { credentials: "include", autoRefresh: false }))
    .with(rest({ credentials: "include" }));
}

async function refused(promise, status, code) {
  const thrown = await promise.then(() => assert.fail("not refused"), (reason) => reason);
  assert.ok(isDirectusError(thrown), thrown.stack);
  assert.deepEqual([thrown.response.status, thrown.errors[0].extensions.code], [status, code]);
}

const cookies = async (jar) => (await jar.getCookies(url)).map(({ key }) => key).sort();

// --- json: both tokens in the answer
{
  const directus = client("json");
  const login = await directus.login({ email, password });
  assert.equal(login.expires, 900_000);
  assert.ok(login.access_token.split(".").length === 3 && login.refresh_token.length >= 32);
  const me = await directus.request(readMe());
  assert.deepEqual([me.email, me.first_name, me.status], [email, firstName, "active"]);
  assert.match(me.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  const refreshed = await directus.refresh();
  assert.notEqual(refreshed.refresh_token, login.refresh_token);
  assert.equal((await directus.request(readMe())).id, me.id);
  await directus.logout();
  assert.equal(await directus.getToken(), null);
  await directus.setToken(refreshed.access_token);
  await refused(directus.request(readMe()), 403, "INVALID_TOKEN");
  await refused(directus.refresh(), 400, "INVALID_PAYLOAD");
}

// --- cookie: the refresh token in a cookie
{
  const jar = new makeFetchCookie.toughCookie.CookieJar();
  const directus = client("cookie", jar);
  const login = await directus.login({ email, password });
  assert.deepEqual(Object.keys(login).sort(), ["access_token", "expires", "expires_at"]);
  assert.deepEqual(await cookies(jar), ["directus_refresh_token"]);
  const [first] = await jar.getCookies(url);
  assert.ok(first.httpOnly && first.secure && first.sameSite === "lax");
  await directus.refresh();
  assert.notEqual((await jar.getCookies(url))[0].value, first.value);
  assert.equal((await directus.request(readMe())).email, email);
  await directus.logout();
  assert.deepEqual(await cookies(jar), []);
  await jar.setCookie(first, url);
  await refused(directus.refresh(), 401, "INVALID_CREDENTIALS");
}

// --- session: one token, in a cookie
{
  const jar = new makeFetchCookie.toughCookie.CookieJar();
  const directus = client("session", jar);
  const login = await directus.login({ email, password });
  assert.deepEqual(Object.keys(login).sort(), ["expires", "expires_at"]);
  assert.deepEqual(await cookies(jar), ["directus_session_token"]);
  assert.equal((await directus.request(readMe())).email, email);
  await directus.refresh();
  assert.equal((await directus.request(readMe())).email, email);
  const [last] = await jar.getCookies(url);
  await directus.logout();
  assert.deepEqual(await cookies(jar), []);
  await jar.setCookie(last, url);
  await refused(directus.request(readMe()), 403, "INVALID_TOKEN");
}

for (const mode of ["json", "cookie", "session"]) {
  for (const wrong of [{ email, password: "wrong" }, { email: "nobody@example.com", password }]) {
    await refused(client(mode).login(wrong), 401, "INVALID_CREDENTIALS");
  }
  await refused(client(mode).login({ email: "ada", password }), 400, "INVALID_PAYLOAD");
}

// --- everything else
const visitor = client("json");
await refused(visitor.request(readMe()), 401, "INVALID_CREDENTIALS");
assert.equal(await visitor.request(serverPing()), "pong");
assert.deepEqual(await visitor.request(readProviders()), []);
for (let time = 0; time < 2; time += 1) {
  await visitor.request(registerUser("grace@example.com", another, { first_name: "Grace", last_name: "Hopper" }));
}
await visitor.login({ email: "grace@example.com", password: another });
assert.equal((await visitor.request(readMe())).last_name, "Hopper");
await visitor.logout();

await visitor.request(passwordRequest("nobody@example.com"));
await visitor.request(passwordRequest(email));
let letter;
for (let time = 0; letter === undefined && time < 200; time += 1) {
  await pause(50);
  letter = readdirSync(mail).find((name) => name.endsWith(".eml"));
}
const text = readFileSync(join(mail, letter), "utf8").replaceAll("=\r\n", "").replaceAll("=3D", "=");
const token = /[?&]token=([\w.-]+)/.exec(text)[1];
await visitor.request(passwordReset(token, another));
await refused(visitor.request(passwordReset(token, another)), 403, "INVALID_TOKEN");
await visitor.login({ email, password: another });
await visitor.logout();

console.log("driven");
