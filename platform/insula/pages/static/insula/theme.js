"use strict";
// Swagger UI's dark colours are under a class; it is set before the first paint, and follows the system.
const dark = matchMedia("(prefers-color-scheme: dark)");

function follow() {
  document.documentElement.classList.toggle("dark-mode", dark.matches);
}

follow();
dark.addEventListener("change", follow);
