import { fail, post, prepare, report, secret, show } from "/static/insula/forms.js";

const form = document.getElementById("invitation");
const token = secret();

async function accept(email, password) {
  const login = await post("/auth/login", { email, password, resource: form.dataset.resource });
  try {
    return await post(form.dataset.action, { token }, login.access_token);
  } finally {
    // If this fails, the session ends by itself; the user must still see whether the invitation was accepted.
    await post("/auth/logout", { refresh_token: login.refresh_token }).catch(() => null);
  }
}

prepare(form, async () => {
  document.getElementById("unverified").hidden = true;
  try {
    const joined = await accept(form.elements.email.value, form.elements.password.value);
    document.getElementById("tenant-name").textContent = joined.name;
    document.getElementById("tenant-slug").textContent = joined.slug;
    show("done");
  } catch (error) {
    const code = error.problem?.code;
    if (code === "invitation_invalid") show("dead");
    else if (code === "already_member") show("member");
    else if (code === "email_not_verified") document.getElementById("unverified").hidden = false;
    else report(form, error);
  }
});

document.getElementById("other-address").addEventListener("click", () => {
  form.reset();
  fail(form, "");
  show("form");
  form.elements.email.focus();
});

show(token ? "form" : "bare");
