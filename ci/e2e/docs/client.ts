// A client made of the portal's OpenAPI document alone: logs in, and exchanges the refresh token. It is type-checked
// before it runs; what must not type-check says so.
import createClient from "openapi-fetch";
import type { paths } from "./schema";

declare const process: { argv: string[] };
const [, , baseUrl = "", user = "", password = ""] = process.argv;
const client = createClient<paths>({ baseUrl });

const login = await client.POST("/api/v1/auth/login", { body: { user, password } });
if (login.error) throw new Error(`login: ${login.response.status} ${login.error.result.desc}`);
const { access_token, refresh_token, access_token_expires_in } = login.data.result;
const lifetime: number = access_token_expires_in;

const refreshed = await client.POST("/api/v1/auth/refresh", {
  body: { refresh_token },
  headers: { Authorization: `Bearer ${access_token}` },
});
if (refreshed.error) throw new Error(`refresh: ${refreshed.response.status} ${refreshed.error.result.desc}`);
const next: string = refreshed.data.result.refresh_token;

// @ts-expect-error: a body without password is no login.
const wrong = await client.POST("/api/v1/auth/login", { body: { user } });
if (!wrong.error) throw new Error("a login without password went well");
const code: 400 | 401 | 405 | 406 | 408 | 413 | 415 | 500 | 503 = wrong.error.code;
// @ts-expect-error: there is no such member.
void login.data.result.acces_token;

console.log(JSON.stringify({ lifetime, rotated: next !== refresh_token, code }));
