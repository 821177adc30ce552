"use strict";
const form = document.getElementById("account");
const said = document.getElementById("said");
const password = document.getElementById("password");
const token = new URLSearchParams(location.hash.slice(1)).get("token");
history.replaceState(null, "", location.pathname);

function say(text) {
  said.textContent = text;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = { token, [password.name]: password.value };
  try {
    const answer = await fetch(form.dataset.action, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    if (answer.ok) {
      form.hidden = true;
      say(form.dataset.done);
    } else {
      say((await answer.json()).detail);
    }
  } catch {
    say("There is no answer just now; try again.");
  }
});

if (!token) {
  form.hidden = true;
  say("This page is for a link from a mail.");
}
