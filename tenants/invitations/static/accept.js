"use strict";
const form = document.getElementById("invitation");
const said = document.getElementById("said");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname);

async function send(path, body, bearer) {
  const headers = { "Content-Type": "application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(content.detail);
  return content;
}

async function accept(email, password) {
  const login = await send("/auth/login", { email, password, resource: form.dataset.resource });
  try {
    return await send(form.dataset.action, { token }, login.access_token);
  } finally {
    await send("/auth/logout", { refresh_token: login.refresh_token });
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const joined = await accept(form.elements.email.value, form.elements.password.value);
    form.hidden = true;
    said.textContent = `You are now a member of ${joined.name}: sign in with the tenant ${joined.slug}.`;
  } catch (error) {
    said.textContent = error instanceof TypeError ? "The server does not answer; try again." : error.message;
  }
});

if (!token) {
  form.hidden = true;
  said.textContent = "Open this page with the link from the invitation email.";
}
