"use strict";
// Adds "Sign in as ..." to the docs pages. Only `insula run` serves this file and the route that it calls.
const RENEW_BEFORE_SECONDS = 30;

document.addEventListener("insula:docs", (event) => start(event.detail));

async function start({ app, mount, ui, spec, filling }) {
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
    renewal = setTimeout(() => attempt(email, tenant), until - Date.now() - RENEW_BEFORE_SECONDS * 1000);
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

  view.onSignIn(attempt);
  view.onSignOut(signOut);
  const kept = JSON.parse(sessionStorage.getItem(memory) ?? "null");
  if (!kept) return;
  view.select(kept.email, kept.tenant);
  if (kept.until - Date.now() > RENEW_BEFORE_SECONDS * 1000) await use(kept);
  else attempt(kept.email, kept.tenant);
}

/** Read the first row of each list, so that the requests for one row name a row that exists. */
async function fillIn(filling, mount, token) {
  const known = new Map();
  const lists = filling.templates
    .filter(({ template, item }) => item.get && filling.templates.some((one) => isRow(template, one.template)))
    .sort((one, other) => one.template.length - other.template.length);
  for (const { template, item } of lists) {
    const path = template.replace(/\{[^}]+\}/g, (part) => known.get(`${template.split(part)[0]}${part}`) ?? part);
    if (path.includes("{")) continue;
    const limited = filling.parametersOf(item, "get").some((parameter) => parameter.name === "limit");
    const answer = await fetch(`${mount}${path}${limited ? "?limit=1" : ""}`, { headers: { Authorization: `Bearer ${token}` } });
    if (!answer.ok) continue;
    const body = await answer.json();
    filling.remember(path, body, null);
    const row = Array.isArray(body) ? body[0] : body.items?.[0];
    const name = filling.templates.map((one) => one.template).find((one) => isRow(template, one));
    if (row?.id && name) known.set(name, row.id);
  }
}

function isRow(list, template) {
  return template.startsWith(`${list}/`) && /^\/\{[^}]+\}$/.test(template.slice(list.length));
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
