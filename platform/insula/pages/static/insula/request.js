import { prepare } from "./forms.js";

const form = document.querySelector("form");
if (form) prepare(form);
