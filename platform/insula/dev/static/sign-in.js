"use strict";
// Adds "Sign in as ..." to the docs pages. Only `insula run` serves this file and the route that it calls.
const RENEW_BEFORE_SECONDS = 30;
const DEMO_PASSWORD = "insula-demo"; // of insula.dev.seed

document.addEventListener("insula:docs", (event) => start(event.detail));

async function start({ app, mount, ui, spec, filling }) {
  filling.fillBodies("password", DEMO_PASSWORD, "/auth/login");
  const answer = await fetch(`/insula-dev/users?app=${encodeURIComponent(app)}`).catch(() => null);
  const users = answer?.ok ? await answer.json() : []; // refused: the page was not opened on this machine
  const scheme = Object.entries(spec.components?.securitySchemes ?? {}).find(([, found]) => found.scheme === "bearer");
  if (!users.length || !scheme) return;
  const memory = `insula-dev:${app}`;
  const view = build(users);
  document.getElementById("document").before(view.form);
  let renewal = 0;

  async function signIn(email, tenant) {
    view.say("Signing in");
    const response = await fetch("/insula-dev/sign-in", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ app, email, tenant }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.detail);
    const signedIn = { email, tenant, token: body.access_token, until: Date.now() + body.expires_in * 1000 };
    sessionStorage.setItem(memory, JSON.stringify(signedIn)); // of this tab, until it is closed
    await use(signedIn);
  }

  async function use({ email, tenant, token, until }) {
    ui.preauthorizeApiKey(scheme[0], token);
    view.signedIn(email, tenant, token);
    clearTimeout(renewal);
    const left = until - Date.now();
    // A token with a short lifetime is renewed when half of it has passed, or this would repeat without a pause.
    renewal = setTimeout(() => attempt(email, tenant), Math.max(left - RENEW_BEFORE_SECONDS * 1000, left / 2));
    await fillIn(filling, mount, token);
  }

  function attempt(email, tenant) {
    signIn(email, tenant).catch((error) => {
      signOut();
      view.say(error.message);
    });
  }

  function signOut() {
    clearTimeout(renewal);
    sessionStorage.removeItem(memory);
    ui.authActions.logout([scheme[0]]);
    view.signedOut();
  }

  const remembered = () => JSON.parse(sessionStorage.getItem(memory) ?? "null");
  view.onSignIn(attempt);
  view.onSignOut(signOut);
  document.addEventListener("insula:response", ({ detail }) => {
    const last = remembered();
    const used = ui.authSelectors.authorized().getIn([scheme[0], "value"]);
    if (detail.status === 401 && used === last?.token) attempt(last.email, last.tenant); // e.g. the session was ended
  });
  const kept = remembered();
  if (!kept) return;
  view.select(kept.email, kept.tenant);
  if (kept.until - Date.now() > RENEW_BEFORE_SECONDS * 1000) await use(kept);
  else attempt(kept.email, kept.tenant);
}

/** Read each list, so that the requests for one row name a row that exists. */
async function fillIn(filling, mount, token) {
  const known = new Map();
  for (const { template, name, limited } of filling.lists()) {
    const path = [...known].reduce((found, [row, id]) => (found.startsWith(row) ? id + found.slice(row.length) : found), template);
    if (path.includes("{")) continue; // no row above it
    const url = `${mount}${path}${limited ? "?limit=20" : ""}`;
    const answer = await fetch(url, { headers: { Authorization: `Bearer ${token}` } }).catch(() => null);
    if (!answer?.ok) continue;
    const row = filling.remember(path, await answer.json(), null);
    if (row?.id) known.set(`${template}/{${name}}`, `${path}/${row.id}`);
  }
}

function build(users) {
  const form = make("form", { className: "sign-in", ariaLabel: "Sign in as a demo user" });
  const user = make("select", { ariaLabel: "Demo user" }, ...users.map(({ email }) => new Option(email, email)));
  const tenant = make("select", { ariaLabel: "Tenant" });
  const button = make("button", { type: "submit", textContent: "Sign in" });
  const copy = make("button", { type: "button", textContent: "Copy token", hidden: true });
  const out = make("button", { type: "button", textContent: "Sign out", hidden: true });
  const said = make("span", { role: "status" });
  const style = make("link", { rel: "stylesheet", href: "/static/insula-dev/sign-in.css" });
  document.head.append(style);
  form.append(make("span", { textContent: "Sign in as", className: "label" }), user, tenant, button, copy, out, said);
  let token = "";

  function offer() {
    const { tenants } = users.find(({ email }) => email === user.value);
    tenant.replaceChildren(...tenants.map((slug) => new Option(slug, slug)));
    tenant.hidden = !tenants.length;
  }

  user.addEventListener("change", offer);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(token);
    said.textContent = "Copied";
  });
  offer();
  return {
    form,
    say: (text) => {
      said.textContent = text;
    },
    select: (email, slug) => {
      if (!users.some((one) => one.email === email)) return;
      user.value = email;
      offer();
      if (slug) tenant.value = slug;
    },
    signedIn: (email, slug, granted) => {
      token = granted;
      said.textContent = `Signed in as ${email}${slug ? ` in ${slug}` : ""}`;
      button.textContent = "Switch";
      copy.hidden = out.hidden = false;
    },
    signedOut: () => {
      token = "";
      said.textContent = "";
      button.textContent = "Sign in";
      copy.hidden = out.hidden = true;
    },
    onSignIn: (call) =>
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        call(user.value, tenant.value || null);
      }),
    onSignOut: (call) => out.addEventListener("click", call),
  };
}

function make(name, properties, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children);
  return node;
}
