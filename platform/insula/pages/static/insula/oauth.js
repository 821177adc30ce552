"use strict";
// Authorize on a docs page: by authorization code and PKCE, in a window for the sign-in pages. oauth2-redirect.js passes the
// answer on by a channel, since the windows cannot reach each other (Cross-Origin-Opener-Policy).
const OAUTH_WINDOW = "popup,width=540,height=780";
const ABOUT = "You sign in in a window of its own. Choose the scopes of the token; without any, it allows all that you may do.";

/** Return what a docs page needs to authorize. Without a client, or at another origin than the client's, it cannot. */
function CodeFlow(spec, data) {
  const possible = data.client && new URL(data.redirect).origin === location.origin;
  return possible ? authorizing(spec, data) : withoutOAuth(spec);
}

function oauthSchemes(spec) {
  return Object.values(spec.components?.securitySchemes ?? {}).filter(({ type }) => type === "oauth2");
}

function withoutOAuth(spec) {
  const schemes = spec.components?.securitySchemes ?? {};
  const found = oauthSchemes(spec);
  const names = Object.keys(schemes).filter((name) => found.includes(schemes[name]));
  for (const name of names) delete schemes[name];
  for (const operation of Object.values(spec.paths).flatMap(Object.values)) {
    operation.security = operation.security?.filter((way) => !names.some((name) => name in way));
  }
  return { options: {}, plugin: {}, start: () => {} };
}

function authorizing(spec, { client, issuer, resource, redirect }) {
  for (const scheme of oauthSchemes(spec)) scheme.description = ABOUT;
  const channel = new BroadcastChannel("insula:oauth");
  let asked = null; // the last request: an answer to an earlier one is not taken

  channel.addEventListener("message", ({ data: { answer } }) => {
    if (!asked || answer?.state !== asked.state) return; // another page's
    const { auth, redirectUrl, callback, errCb, state } = asked;
    asked = null;
    channel.postMessage({ taken: state });
    const fault = answer.iss === issuer ? (answer.error_description ?? answer.error) : "Another server has answered.";
    if (fault || !answer.code) errCb({ ...faultOf(auth), message: fault ?? "The answer has no code." });
    else callback({ auth: { ...auth, code: answer.code }, redirectUrl });
  });

  /** Swagger UI's state is the time, which can be guessed, and it cannot name the resource at the token endpoint. */
  function ask(address, request) {
    const url = new URL(address);
    const state = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
    url.searchParams.set("state", state);
    url.searchParams.set("resource", resource);
    asked = { ...request, state };
    if (!open(url, "_blank", OAUTH_WINDOW)) request.errCb({ ...faultOf(request.auth), message: "Allow this page to open a window." });
  }

  return {
    options: { oauth2RedirectUrl: redirect },
    plugin: { statePlugins: { auth: { wrapActions: { authPopup: () => ask } } } },
    start: (ui) => ui.initOAuth({ clientId: client, usePkceWithAuthorizationCodeGrant: true }),
  };
}

function faultOf(auth) {
  return { authId: auth.name, source: "auth", level: "error" };
}
