"use strict";
const POLL_MILLISECONDS = 5000;
const SAYS = { ready: "All is well", degraded: "Degraded: it serves, but not with everything", unready: "Not ready" };

function show(state, checks) {
  document.getElementById("health").dataset.state = state;
  document.getElementById("health-text").textContent = SAYS[state] || state;
  const list = document.getElementById("checks");
  list.replaceChildren(
    ...Object.entries(checks).map(([name, found]) => {
      const row = document.createElement("div");
      const term = document.createElement("dt");
      const value = document.createElement("dd");
      term.textContent = name;
      value.textContent = found;
      value.dataset.ok = String(found === "ok");
      row.append(term, value);
      return row;
    }),
  );
}

async function ask() {
  try {
    const answer = await fetch("/readyz", { cache: "no-store" });
    const body = await answer.json();
    show(body.status, body.checks);
  } catch {
    show("unready", { server: "no answer" });
  }
}

ask();
setInterval(ask, POLL_MILLISECONDS);
