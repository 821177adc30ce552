"use strict";
const place = document.getElementById("document");
const dark = matchMedia("(prefers-color-scheme: dark)");
const FONT = "system-ui, sans-serif";

// ReDoc takes its colours once, when it starts; only its ways of showing text and lines depend on the system's scheme.
const DARK = {
  colors: {
    primary: { main: "#7cb7d6" },
    success: { main: "#5fbf7f" },
    error: { main: "#f2857c" },
    text: { primary: "#e6e8ea", secondary: "#a9b1b8" },
    border: { dark: "#4a525a", light: "#343b41" },
    responses: {
      success: { color: "#7fd69b", backgroundColor: "#20362a", tabTextColor: "#7fd69b" },
      error: { color: "#f7a59e", backgroundColor: "#3d2626", tabTextColor: "#f7a59e" },
    },
  },
  schema: { linesColor: "#4a525a", typeNameColor: "#a9b1b8", nestedBackground: "#24292e", requireLabelColor: "#f2857c" },
  sidebar: { backgroundColor: "#181b1e", textColor: "#c9cfd4", activeTextColor: "#7cb7d6" },
  rightPanel: { backgroundColor: "#14171a" },
  typography: { code: { color: "#f7a59e", backgroundColor: "#2b3136" }, links: { color: "#7cb7d6", visited: "#7cb7d6", hover: "#a9d3e8" } },
};
const LIGHT = {
  colors: { primary: { main: "#235a76" } }, // ReDoc shows some text in lighter shades of it
  schema: { typeNameColor: "#57606a" },
  rightPanel: { backgroundColor: "#22272b" },
  typography: { code: {}, links: { color: "#2c6e8f" } },
};

function show() {
  const theme = dark.matches ? DARK : LIGHT;
  Redoc.init(
    place.dataset.url,
    {
      expandResponses: "200,201",
      hideDownloadButton: false,
      nativeScrollbars: true,
      pathInMiddlePanel: false,
      scrollYOffset: ".bar",
      sortRequiredPropsFirst: true,
      theme: { ...theme, typography: { ...theme.typography, fontFamily: FONT, headings: { fontFamily: FONT } } },
    },
    place,
  );
}

const IS_OPERATION = "[data-section-id*='operation/']";
mendElements(place, [
  // An operation is below its tag.
  [`${IS_OPERATION} h2`, level(3)],
  [`${IS_OPERATION} h3`, level(4)],
  [`${IS_OPERATION} h5`, level(4)],
  [`${IS_OPERATION} h3 ~ div h5`, level(5)],
  ["pre, .redoc-json", attribute("tabindex", "0")],
  // Its text has the method as well.
  ["[role=menuitem][data-item-id*='operation/']", attribute("aria-label", null)],
  // The whole entry has the focus already.
  ["[role=menuitem] span[tabindex]", attribute("tabindex", null)],
  [".menu-content + div", makeButton],
]);

/** ReDoc opens and closes the menu of a narrow page with a clickable element that is no button. */
function makeButton(element) {
  for (const [name, value] of [["role", "button"], ["tabindex", "0"], ["aria-label", "Contents"]]) element.setAttribute(name, value);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    element.click();
  });
}

show();
dark.addEventListener("change", () => location.reload());
