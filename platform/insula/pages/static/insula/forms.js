// Forms of the account pages: errors beside their field, show-password, one state of a page at a time.

const SILENT = "The server does not answer. Try again in a moment.";

function message(input) {
  const { validity } = input;
  if (validity.valueMissing) return "Fill in this field.";
  if (validity.typeMismatch) return "Write a whole address, such as ada@example.com.";
  if (validity.tooShort) return `Use at least ${input.minLength} characters.`;
  return validity.valid ? "" : input.validationMessage;
}

function mark(input, text) {
  const place = document.getElementById(`${input.id}-error`);
  place.textContent = text;
  place.hidden = !text;
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function inputs(form) {
  return [...form.elements].filter((element) => element instanceof HTMLInputElement);
}

/** Show what is wrong with the form as a whole; an empty text hides it. */
export function fail(form, text) {
  const place = form.querySelector("[data-failure]");
  place.textContent = text;
  place.hidden = !text;
}

/** Mark the fields that the browser refuses, and return whether there are none. */
function check(form) {
  for (const input of inputs(form)) mark(input, message(input));
  const wrong = inputs(form).find((input) => !input.validity.valid);
  wrong?.focus();
  return !wrong;
}

/** Take over the messages and the show-password controls of a form, and call `submit` for a complete form. */
export function prepare(form, submit) {
  form.noValidate = true;
  for (const button of form.querySelectorAll(".reveal")) {
    const input = document.getElementById(button.getAttribute("aria-controls"));
    button.hidden = false;
    button.addEventListener("click", () => {
      const shown = input.type === "password";
      input.type = shown ? "text" : "password";
      button.textContent = shown ? "Hide" : "Show";
      button.setAttribute("aria-label", shown ? "Hide password" : "Show password");
      input.focus();
    });
  }
  for (const input of inputs(form)) {
    input.addEventListener("input", () => input.hasAttribute("aria-invalid") && mark(input, message(input)));
  }
  const button = form.querySelector("[type=submit]");
  form.addEventListener("submit", async (event) => {
    if (!check(form) || button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    for (const input of inputs(form)) if (input.autocomplete.endsWith("password")) input.type = "password";
    button.setAttribute("aria-busy", "true");
    if (!submit) return;
    event.preventDefault();
    fail(form, "");
    try {
      await submit();
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
  // A page that comes back from the browser's history is as it was left: sending.
  addEventListener("pageshow", () => button.removeAttribute("aria-busy"));
}

/** Show a problem beside the fields that it names, or else for the whole form. */
export function report(form, error) {
  if (!error.problem) {
    fail(form, SILENT);
    return;
  }
  const { code, detail, field_errors: found = [] } = error.problem;
  const password = inputs(form).find((input) => input.autocomplete.endsWith("password"));
  const refused = code === "password_too_easy" ? [{ field: password.name, message: detail }] : found;
  const placed = refused.filter(({ field }) => form.elements[field]);
  for (const { field, message: text } of placed) mark(form.elements[field], text);
  if (placed.length) form.elements[placed[0].field].focus();
  else fail(form, detail);
}

/** Send JSON and return the answer. Throws an Error with the `problem`, or without one if there is no answer. */
export async function post(path, body, bearer) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (bearer) headers.Authorization = `Bearer ${bearer}`;
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw Object.assign(new Error(content.detail), { problem: content });
  return content;
}

/** Show one state of the page, under its heading. */
export function show(name) {
  const heading = document.getElementById("heading");
  for (const state of document.querySelectorAll("[data-state]")) {
    const isShown = state.dataset.state === name;
    state.hidden = !isShown;
    if (isShown && heading.textContent !== state.dataset.heading) {
      document.title = document.title.replace(heading.textContent, state.dataset.heading);
      heading.textContent = state.dataset.heading;
      heading.focus();
    }
  }
}

/** Return the secret of the link that led here, and remove it from the address. */
export function secret() {
  const token = new URLSearchParams(location.hash.slice(1)).get("token");
  history.replaceState(null, "", location.pathname);
  return token;
}
