"use strict";
// Passes the answer of the authorization server on to the docs page that asked, and closes once that has taken it. The two
// windows cannot reach each other (Cross-Origin-Opener-Policy), so they talk by a channel, which stays in this origin.
const answer = Object.fromEntries(new URLSearchParams(location.search));
history.replaceState(null, "", location.pathname); // no code stays in the address or the history
const channel = new BroadcastChannel("insula:oauth");
channel.addEventListener("message", ({ data }) => {
  if (data.taken === answer.state) close();
});
if (answer.state) channel.postMessage({ answer });
