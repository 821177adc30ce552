// oauth4webapi (npm) uses the server by discovery alone: it checks each answer as the RFCs say.

import assert from "node:assert/strict";

import * as oauth from "oauth4webapi";

import { open, visit } from "./browser.mjs";
import { BASE, CALLBACK, CLIENT, RESOURCE, SCOPE, step } from "./people.mjs";

const insecure = { [oauth.allowInsecureRequests]: true }; // http on this machine
const issuer = new URL(BASE);
const client = { client_id: CLIENT.client_id };
const authentication = oauth.ClientSecretBasic(CLIENT.client_secret);

const server = await step("discovers the server by OpenID Connect and by RFC 8414", async () => {
  const found = [];
  for (const algorithm of ["oidc", "oauth2"]) {
    const answer = await oauth.discoveryRequest(issuer, { algorithm, ...insecure });
    found.push(await oauth.processDiscoveryResponse(issuer, answer));
  }
  assert.equal(found[0].token_endpoint, found[1].token_endpoint);
  return found[0];
});

await step("refuses a server whose issuer is another", async () => {
  const wrong = new URL(BASE.replace("localhost", "127.0.0.1"));
  const answer = await oauth.discoveryRequest(wrong, insecure);
  await assert.rejects(oauth.processDiscoveryResponse(wrong, answer));
});

await step("finds the server from the app that refuses a request", async () => {
  const resource = new URL(RESOURCE);
  const answer = await oauth.resourceDiscoveryRequest(resource, insecure);
  const metadata = await oauth.processResourceDiscoveryResponse(resource, answer);
  assert.deepEqual(metadata.authorization_servers, [server.issuer]);
});

const verifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const nonce = oauth.generateRandomNonce();

async function asked() {
  const address = new URL(server.authorization_endpoint);
  const parameters = {
    client_id: client.client_id,
    redirect_uri: CALLBACK,
    response_type: "code",
    scope: SCOPE,
    resource: RESOURCE,
    state,
    nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters)) address.searchParams.set(name, value);
  return visit(address);
}

async function loggedIn() {
  const parameters = oauth.validateAuthResponse(server, client, await asked(), state);
  const answer = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    authentication,
    parameters,
    CALLBACK,
    verifier,
    insecure,
  );
  return oauth.processAuthorizationCodeResponse(server, client, answer, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
}

const tokens = await step("logs in", loggedIn);

await step("validates the access token as RFC 9068 says", async () => {
  const request = new Request(RESOURCE, { headers: { authorization: `Bearer ${tokens.access_token}` } });
  const claims = await oauth.validateJwtAccessToken(server, request, RESOURCE, insecure);
  assert.equal(claims.client_id, client.client_id);
});

await step("calls the API with the token", async () => {
  const url = new URL(`${BASE}/api/v1/members`);
  const answer = await oauth.protectedResourceRequest(tokens.access_token, "GET", url, undefined, undefined, insecure);
  assert.equal(answer.status, 200);
});

await step("reads the user's claims", async () => {
  const subject = oauth.getValidatedIdTokenClaims(tokens).sub;
  const answer = await oauth.userInfoRequest(server, client, tokens.access_token, insecure);
  const claims = await oauth.processUserInfoResponse(server, client, subject, answer);
  assert.equal(claims.email, "owner@acme.example");
});

const refreshed = await step("refreshes", async () => {
  const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, tokens.refresh_token, insecure);
  return oauth.processRefreshTokenResponse(server, client, answer);
});

async function isRefused(token) {
  const answer = await oauth.refreshTokenGrantRequest(server, client, authentication, token, insecure);
  await assert.rejects(oauth.processRefreshTokenResponse(server, client, answer), { error: "invalid_grant" });
}

await step("revokes", async () => {
  const answer = await oauth.revocationRequest(server, client, authentication, refreshed.refresh_token, insecure);
  await oauth.processRevocationResponse(answer);
  await isRefused(refreshed.refresh_token);
});

await step("logs out", async () => {
  const last = await loggedIn();
  const address = new URL(server.end_session_endpoint);
  address.searchParams.set("id_token_hint", last.id_token);
  assert.equal((await open(address)).status, 200);
  await isRefused(last.refresh_token);
});
