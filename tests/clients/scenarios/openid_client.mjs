// openid-client (npm, certified by the OpenID Foundation) uses the server by discovery alone.

import assert from "node:assert/strict";

import * as client from "openid-client";

import { open, visit } from "./browser.mjs";
import { BASE, CALLBACK, CLIENT, RESOURCE, SCOPE, step } from "./people.mjs";

const options = { execute: [client.allowInsecureRequests] }; // http on this machine

const config = await step("discovers the server", () =>
  client.discovery(new URL(BASE), CLIENT.client_id, CLIENT.client_secret, undefined, options),
);

await step("refuses a server whose issuer is another", async () => {
  const wrong = new URL(BASE.replace("localhost", "127.0.0.1"));
  await assert.rejects(client.discovery(wrong, CLIENT.client_id, CLIENT.client_secret, undefined, options));
});

const verifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const nonce = client.randomNonce();

async function authorized(parameters) {
  const asked = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: SCOPE,
    resource: RESOURCE,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...parameters,
  });
  return visit(asked);
}

const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce };

const tokens = await step("logs in, and checks state, issuer, nonce and the ID token", async () => {
  const back = await authorized({});
  return client.authorizationCodeGrant(config, back, checks);
});

await step("refuses an answer of another issuer", async () => {
  const back = await authorized({});
  back.searchParams.set("iss", "https://evil.example.com");
  await assert.rejects(client.authorizationCodeGrant(config, back, checks));
});

await step("gets max_age and auth_time right", async () => {
  const back = await authorized({ max_age: "3600" });
  await client.authorizationCodeGrant(config, back, { ...checks, maxAge: 3600 });
});

await step("calls the API with the token", async () => {
  const answer = await client.fetchProtectedResource(
    config,
    tokens.access_token,
    new URL(`${BASE}/api/v1/members`),
    "GET",
  );
  assert.equal(answer.status, 200);
});

await step("reads the user's claims", async () => {
  const claims = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);
  assert.equal(claims.email, "owner@acme.example");
  assert.ok(claims.name);
});

const refreshed = await step("refreshes", () => client.refreshTokenGrant(config, tokens.refresh_token));

await step("introspects and revokes", async () => {
  assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, true);
  await client.tokenRevocation(config, refreshed.refresh_token);
  assert.equal((await client.tokenIntrospection(config, refreshed.access_token)).active, false);
  await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), { error: "invalid_grant" });
});

await step("logs out", async () => {
  const back = await authorized({});
  const last = await client.authorizationCodeGrant(config, back, checks);
  const shown = await open(client.buildEndSessionUrl(config, { id_token_hint: last.id_token }));
  assert.equal(shown.status, 200);
  await assert.rejects(client.refreshTokenGrant(config, last.refresh_token), { error: "invalid_grant" });
});
