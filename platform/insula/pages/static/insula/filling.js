"use strict";
// Fills in the ids and versions that earlier responses contained, so that the next request works as it stands.
function Filling(document_) {
  const templates = Object.entries(document_.paths).map(([template, item]) => ({
    template,
    item,
    pattern: new RegExp(`^${template.replace(/[.*+?^$()|[\]\\]/g, "\\$&").replace(/\{[^}]+\}/g, "[^/]+")}$`),
  }));
  const filled = new Map();
  let ui = null;

  function parametersOf(item, method) {
    return [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((parameter) =>
      parameter.$ref ? parameter.$ref.split("/").slice(1).reduce((node, key) => node[key], document_) : parameter,
    );
  }

  function fill(template, item, method, place, name, value) {
    const parameter = parametersOf(item, method).find((found) => found.in === place && found.name === name);
    if (!parameter) return;
    const key = `${method} ${template} ${place} ${name}`;
    const current = ui.specSelectors.parameterValues([template, method])?.get?.(`${place}.${name}`);
    if (current && current !== filled.get(key)) return; // the reader's own value stays
    filled.set(key, value);
    ui.specActions.changeParam([template, method], name, place, value, false);
  }

  function fillBelow(prefix, value) {
    for (const { template, item } of templates) {
      if (template !== prefix && !template.startsWith(`${prefix}/`)) continue;
      const name = prefix.slice(prefix.lastIndexOf("{") + 1, -1);
      for (const method of Object.keys(item)) {
        if (item[method]?.responses) fill(template, item, method, "path", name, value);
      }
    }
  }

  function idOf(row, name) {
    return row?.[name] ?? row?.id ?? row?.[name.slice(name.lastIndexOf("_") + 1)];
  }

  function fillVersion(template, item, tag) {
    for (const method of Object.keys(item)) {
      if (item[method]?.responses) fill(template, item, method, "header", "If-Match", tag);
    }
  }

  return {
    templates,
    parametersOf,
    attach(to) {
      ui = to;
    },
    /** Take the id of the first row of a list, or of the one row, and its version. `path` begins after the mount. */
    remember(path, body, tag) {
      if (!ui) return;
      const at = templates.find(({ pattern }) => pattern.test(path));
      if (!at) return;
      if (tag) fillVersion(at.template, at.item, tag);
      const rows = Array.isArray(body) ? body : (body?.items ?? [body]);
      for (const { template, item } of templates) {
        const rest = template.slice(at.template.length);
        if (!template.startsWith(`${at.template}/`) || !/^\/\{[^}]+\}$/.test(rest)) continue;
        const value = idOf(rows[0], rest.slice(2, -1));
        if (value === undefined || value === null) continue;
        fillBelow(template, String(value));
        if (rows[0].version !== undefined) fillVersion(template, item, `"${rows[0].version}"`);
      }
    },
  };
}
