"use strict";
// Swagger UI and ReDoc make elements that assistive technology cannot use well, and have no option for them.

/** Mend the elements that match a rule, now and whenever they are added below `place`. A rule: a selector, a change. */
function mendElements(place, rules) {
  function mend(root) {
    for (const [selector, change] of rules) {
      if (root.matches(selector)) change(root);
      for (const element of root.querySelectorAll(selector)) change(element);
    }
  }

  mend(place);
  new MutationObserver((records) => {
    for (const { addedNodes } of records) {
      for (const node of addedNodes) if (node instanceof Element && node.isConnected) mend(node);
    }
  }).observe(place, { childList: true, subtree: true });
}

/** A change: set an attribute, or remove it if the value is null. */
function attribute(name, value) {
  return (element) => (value === null ? element.removeAttribute(name) : element.setAttribute(name, value));
}

/** A change: state the level of a heading in the page's outline. Its look depends on its tag, which stays. */
function level(number) {
  return attribute("aria-level", String(number));
}
