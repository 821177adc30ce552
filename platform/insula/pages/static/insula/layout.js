"use strict";
// A plugin for Swagger UI: the order of the page's parts, and parts that a keyboard or a screen reader can use.
function PageLayout(system) {
  const { createElement: tag } = system.React;

  // Swagger UI's own layout has a second <main>, a choice of servers, of which there is one, and all schemas.
  function Layout({ getComponent, specSelectors }) {
    const part = (name) => tag(getComponent(name, true), { key: name });
    const row = (name) => tag("section", { key: name, className: "block col-12" }, part(name));
    return tag(
      "div",
      { className: "swagger-ui" },
      part("SvgAssets"),
      part("errors"),
      tag("div", { className: "information-container wrapper" }, row("InfoContainer")),
      specSelectors.securityDefinitions() ? tag("div", { className: "scheme-container" }, tag("section", { className: "schemes wrapper" }, part("AuthorizeBtnContainer"))) : null,
      part("FilterContainer"),
      tag("div", { className: "wrapper" }, row("operations")),
    );
  }

  return {
    components: { InsulaLayout: Layout },
    wrapComponents: {
      // The path of an operation is inside a button: no link there.
      DeepLink: (Original) => (props) =>
        props.path.includes("/") ? tag("span", { className: "nostyle" }, props.text) : tag(Original, props),
      // A button with text is named by it.
      Button: (Original) => (props) =>
        tag(Original, typeof props.children === "string" ? { ...props, "aria-label": undefined } : props),
    },
  };
}

const NAMED_BY_ROW = "tr:is([data-param-name], [data-property-name]) :is(input, select, textarea)";
const SWAGGER_UI_RULES = [
  ["h3", level(2)],
  ["h4", level(3)],
  [".responses-inner h4, h5, h6", level(4)],
  [".responses-inner h5", level(5)],
  [".opblock-section-request-body :is(textarea, input[type=file])", attribute("aria-label", "Request body")],
  [NAMED_BY_ROW, nameByRow],
  [".operation-filter-input", attribute("aria-label", "Filter by tag or path")],
  [".responses-table", attribute("role", null)],
  [".microlight", attribute("tabindex", "0")],
  [".modal-ux input", attribute("aria-label", null)],
  [".close-modal", attribute("aria-label", "Close")],
  [".scopes h2", level(4)],
  [".scopes h2 a", makeButton],
  [".modal-ux:not([role])", openDialog],
];

/** Name a field as the parameter, or the property of a form, that its row is about. */
function nameByRow(field) {
  const { paramName, propertyName } = field.closest("tr:is([data-param-name], [data-property-name])").dataset;
  field.setAttribute("aria-label", paramName ?? propertyName);
}

/** Make an element that only a mouse can press a button. */
function makeButton(element) {
  element.setAttribute("role", "button");
  element.tabIndex = 0;
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    element.click();
  });
}

let pressed = null;
document.addEventListener("click", ({ target }) => {
  if (!target.closest(".modal-ux")) pressed = target.closest("button");
}, true);

/** Make a dialog of Swagger UI one for the keyboard too: it takes and keeps the focus, returns it, and is closed by Escape. */
function openDialog(dialog) {
  const opener = pressed;
  const close = dialog.querySelector(".close-modal");
  for (const [name, value] of [["role", "dialog"], ["aria-modal", "true"], ["aria-label", dialog.querySelector("h3").textContent]]) {
    dialog.setAttribute(name, value);
  }
  (dialog.querySelector("input") ?? close).focus();
  dialog.addEventListener("keydown", (event) => {
    const stops = [...dialog.querySelectorAll("a[href], button, input, select, textarea")];
    const [end, next] = event.shiftKey ? [stops[0], stops.at(-1)] : [stops.at(-1), stops[0]];
    if (event.key === "Escape") close.click();
    else if (event.key === "Tab" && event.target === end) {
      event.preventDefault();
      next.focus();
    }
  });
  const watch = new MutationObserver(() => {
    if (dialog.isConnected) return;
    watch.disconnect();
    opener?.focus();
  });
  watch.observe(document.getElementById("document"), { childList: true, subtree: true });
}
