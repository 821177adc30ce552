import { post, prepare, report, secret, show } from "./forms.js";

const form = document.getElementById("account");
const token = secret();

prepare(form, async () => {
  const password = form.querySelector("input");
  try {
    await post(form.dataset.action, { token, [password.name]: password.value });
    show("done");
  } catch (error) {
    if (error.problem?.code === "link_refused") show("dead");
    else report(form, error);
  }
});

show(token ? "form" : "bare");
