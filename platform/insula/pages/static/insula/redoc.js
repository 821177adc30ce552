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
  colors: { primary: { main: "#2c6e8f" } },
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

show();
dark.addEventListener("change", () => location.reload());
