// The browser of a user: it keeps cookies, fills in our forms, and stops where a page leads back to the client.

import { OWNER, PASSWORD } from "./people.mjs";

const BASE = process.env.INSULA;
const cookies = new Map();

/** Open an address and do what the pages ask; return the address of the client to which they lead. */
export async function visit(address, { email = OWNER } = {}) {
  let request = new Request(address);
  for (let step = 0; step < 12; step++) {
    const answer = await send(request);
    const led = answer.headers.get("location");
    if (led !== null) {
      const next = new URL(led, request.url);
      if (next.origin !== new URL(BASE).origin) return next;
      request = new Request(next);
      continue;
    }
    const page = await answer.text();
    if (!answer.ok || !page.includes('<form method="post"')) {
      throw new Error(`${request.url} answers ${answer.status}: ${page.slice(0, 300)}`);
    }
    request = filled(page, request.url, email);
  }
  throw new Error("the pages lead nowhere");
}

/** Open a page, and return its text when it leads no further. */
export async function open(address) {
  let request = new Request(new URL(address, BASE));
  for (;;) {
    const answer = await send(request);
    const led = answer.headers.get("location");
    if (led === null) return { status: answer.status, url: request.url, page: await answer.text() };
    request = new Request(new URL(led, request.url));
  }
}

async function send(request) {
  const headers = new Headers(request.headers);
  headers.set("cookie", [...cookies].map(([name, value]) => `${name}=${value}`).join("; "));
  const answer = await fetch(new Request(request, { headers, redirect: "manual" }));
  for (const cookie of answer.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    if (value === '""' || value === "") cookies.delete(name);
    else cookies.set(name, value);
  }
  return answer;
}

function filled(page, url, email) {
  const fields = new URLSearchParams({ token: /name="token" value="([^"]+)"/.exec(page)[1] });
  if (page.includes('name="password"')) {
    fields.set("email", email);
    fields.set("password", PASSWORD);
  } else if (page.includes('name="tenant"')) {
    fields.set("tenant", "acme");
  } else if (page.includes('name="answer"')) {
    fields.set("answer", "allow");
  }
  const action = /<form method="post" action="([^"]+)"/.exec(page)[1].replaceAll("&amp;", "&");
  const headers = { "sec-fetch-site": "same-origin", origin: new URL(BASE).origin };
  return new Request(new URL(action, url), { method: "POST", headers, body: fields });
}
