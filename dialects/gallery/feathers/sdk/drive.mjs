// @feathersjs/authentication-client over @feathersjs/rest-client, as Feathers' guide for clients sets them up.

import assert from "node:assert/strict";
import authentication from "@feathersjs/authentication-client";
import { feathers } from "@feathersjs/feathers";
import rest from "@feathersjs/rest-client";

const { MYNA_URL: url, MYNA_EMAIL: email, MYNA_PASSWORD: password, MYNA_NEW_PASSWORD: another } = process.env;

/** What `localStorage` is in a browser. */
function storage() {
  const kept = new Map();
  return {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => void kept.set(key, value),
    removeItem: (key) => void kept.delete(key),
  };
}

function client(kept = storage()) {
  const app = feathers();
  app.configure(rest(url).fetch(fetch));
  app.configure(authentication({ storage: kept }));
  return app;
}

const kept = storage();
const app = client(kept);
const login = await app.authenticate({ strategy: "local", email, password });
assert.deepEqual(login.user, { id: 1, email });
assert.equal(login.authentication.strategy, "local");
assert.equal(login.authentication.payload.sub, "1");
assert.equal((await app.get("authentication")).accessToken, login.accessToken);

// Another start of the same application: the token is in the storage.
const again = client(kept);
const reAuthenticated = await again.reAuthenticate();
assert.deepEqual(reAuthenticated.user, { id: 1, email });
assert.equal(reAuthenticated.authentication.strategy, "jwt");
assert.equal(kept.getItem("feathers-jwt"), reAuthenticated.accessToken);

// A logout, and then neither the storage nor the token lets anybody in.
const token = kept.getItem("feathers-jwt");
await again.logout();
assert.equal(kept.getItem("feathers-jwt"), null);
const denied = (message) => ({ name: "NotAuthenticated", code: 401, className: "not-authenticated", message });
await assert.rejects(again.reAuthenticate(true), denied("No accessToken found in storage"));
const late = storage();
late.setItem("feathers-jwt", token);
await assert.rejects(client(late).reAuthenticate(), denied("invalid signature"));
assert.equal(late.getItem("feathers-jwt"), null);

// A logout without a token is a denial that the client takes for a logout.
await client().logout();

for (const wrong of [{ email, password: "wrong" }, { email: "nobody@example.com", password }, { email }]) {
  await assert.rejects(client().authenticate({ strategy: "local", ...wrong }), denied("Invalid login"));
}
await assert.rejects(client().authenticate({ strategy: "unknown" }), denied("Invalid authentication information"));

// The users service.
const newcomer = { email: "grace@example.com", password: another };
const created = await client().service("users").create(newcomer);
assert.deepEqual(created, { id: created.id, email: newcomer.email });
assert.ok(created.id > 1);
await assert.rejects(client().service("users").create(newcomer), { name: "Conflict", code: 409 });
assert.equal((await client().authenticate({ strategy: "local", ...newcomer })).user.id, created.id);

console.log("driven");
