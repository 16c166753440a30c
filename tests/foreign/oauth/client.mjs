// openid-client goes through everything a program does with the node: node client.mjs SERVER KEYFILE DETAILS
// The address for the browser is printed; the address the browser came back to is read from standard input.
import { webcrypto } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline/promises";
import * as oauth from "openid-client";

globalThis.crypto ??= webcrypto; // Debian 12's Node 18 has it under this name only
const [server, keyFile, details] = process.argv.slice(2);
const { client_id: clientId, key: jwk } = JSON.parse(await readFile(keyFile, "utf8"));
const key = await crypto.subtle.importKey("jwk", jwk, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const config = await oauth.discovery(
  new URL(server), clientId, undefined, oauth.PrivateKeyJwt({ key, kid: jwk.kid }),
  { algorithm: "oauth2", execute: [oauth.allowInsecureRequests] },
);
const DPoP = oauth.getDPoPHandle(config, await oauth.randomDPoPKeyPair("ES256"));
const found = {};
const call = (token, method, path, body) => oauth.fetchProtectedResource(
  config, token, new URL(path, server), method, body && JSON.stringify(body),
  new Headers(body && { "content-type": "application/json", "idempotency-key": crypto.randomUUID() }), { DPoP },
);
// After revocation openid-client throws on the WWW-Authenticate challenge; its status is what counts.
const statusOf = async (answer) => {
  try { return (await answer).status; } catch (error) { return error.status ?? error.response?.status ?? String(error); }
};

const own = await oauth.clientCredentialsGrant(config, { scope: "accesses" }, { DPoP });
found.own = { type: own.token_type, scope: own.scope, accesses: (await call(own.access_token, "GET", "/api/v1/accesses")).status };

const verifier = oauth.randomPKCECodeVerifier();
const state = oauth.randomState();
const address = await oauth.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: "http://127.0.0.1:8765/back", state, code_challenge_method: "S256",
  code_challenge: await oauth.calculatePKCECodeChallenge(verifier), authorization_details: details,
}, { DPoP });
console.log(address.href);
const lines = createInterface({ input: process.stdin });
const back = new URL(await lines.question(""));
lines.close();
const token = await oauth.authorizationCodeGrant(
  config, back, { pkceCodeVerifier: verifier, expectedState: state }, undefined, { DPoP },
);
found.details = token.authorization_details;
const { enterprise, purpose, form, authorisation } = token.authorization_details[0];
const query = { enterprise, purpose, form };
const report = await call(token.access_token, "POST", "/api/v1/reports", query);
found.report = { status: report.status, authorisation: (await report.json()).document?.authorisation ?? null };
const next = await oauth.refreshTokenGrant(config, token.refresh_token, undefined, { DPoP });
found.refreshed = { rotated: next.refresh_token !== token.refresh_token, same: next.authorization_details[0].authorisation === authorisation };
found.active = (await oauth.tokenIntrospection(config, next.access_token)).active;
await oauth.tokenRevocation(config, next.refresh_token);
await oauth.tokenRevocation(config, next.refresh_token);
found.activeAfter = (await oauth.tokenIntrospection(config, next.access_token)).active;
found.statusAfter = await statusOf(call(next.access_token, "POST", "/api/v1/reports", query));
console.log(JSON.stringify(found));
