"use strict";
// Fills the forms with examples, and with ids and versions of earlier responses: the next request works as it stands.
function Filling(spec) {
  const METHODS = ["get", "put", "post", "delete", "patch"];
  const ROW = /^\/\{([^}]+)\}$/;
  const operations = Object.entries(spec.paths).flatMap(([template, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      template,
      method,
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map(resolved),
      body: bodyOf(item[method]),
      changes: {},
    })),
  );
  const templates = Object.keys(spec.paths);
  const filled = new Map();
  let ui = null;

  function resolved(node) {
    let found = node;
    while (found?.$ref) found = found.$ref.split("/").slice(1).reduce((inner, key) => inner[key], spec);
    return found;
  }

  function bodyOf(operation) {
    const media = resolved(operation.requestBody)?.content?.["application/json"];
    const named = resolved(Object.values(media?.examples ?? {})[0])?.value;
    const found = media?.example ?? named ?? resolved(media?.schema)?.examples?.[0];
    return found && typeof found === "object" && !Array.isArray(found) ? found : null;
  }

  function fill({ template, method, parameters }, place, name, value) {
    if (!parameters.some((parameter) => parameter.in === place && parameter.name === name)) return;
    const key = `${method} ${template} ${place} ${name}`;
    const current = ui.specSelectors.parameterValues([template, method])?.get?.(`${place}.${name}`);
    if (current && current !== filled.get(key)) return; // the reader's own value stays
    filled.set(key, value);
    ui.specActions.changeParam([template, method], name, place, value, false);
  }

  function fillExamples() {
    for (const operation of operations) {
      for (const parameter of operation.parameters.filter(({ required }) => required)) {
        const schema = resolved(parameter.schema) ?? {};
        const value = parameter.example ?? schema.example ?? schema.examples?.[0] ?? schema.enum?.[0];
        // The id of an example names no row, so it is better to show that a value is missing.
        if (value !== undefined && schema.format !== "uuid") fill(operation, parameter.in, parameter.name, String(value));
      }
    }
  }

  function fillBodies(name, value, only = null) {
    for (const operation of operations) {
      if (!operation.body || !(name in operation.body) || (only && operation.template !== only)) continue;
      operation.changes[name] = value;
      ui.oas3Actions.setRequestBodyValue({ value: filledBody(operation), pathMethod: [operation.template, operation.method] });
    }
  }

  function filledBody(operation) {
    return JSON.stringify({ ...operation.body, ...operation.changes }, null, 2);
  }

  /** Swagger UI sets the example when it shows the form of an operation: set the filled one in its place. */
  function inPlaceOfExample(value, [template, method]) {
    const operation = operations.find((one) => one.template === template && one.method === method);
    if (!operation?.body || typeof value !== "string") return value;
    try {
      const isExample = JSON.stringify(JSON.parse(value)) === JSON.stringify(operation.body);
      return isExample ? filledBody(operation) : value;
    } catch {
      return value; // the reader is typing
    }
  }

  /** Use `value` for a path parameter of this name below `prefix`, and for a field of this name in request bodies. */
  function learn(prefix, name, value) {
    for (const operation of operations) {
      if (operation.template === prefix || operation.template.startsWith(`${prefix}/`)) fill(operation, "path", name, value);
    }
    fillBodies(name, value);
    fillBodies(`${name}s`, [value]);
  }

  function fillVersion(template, tag) {
    for (const operation of operations) if (operation.template === template) fill(operation, "header", "If-Match", tag);
  }

  /** A row to try requests on. Not the session of this page: ending it would sign the reader out. */
  function rowOf(body) {
    const rows = [body, body.items].find(Array.isArray) ?? [body];
    return rows.find((row) => row?.current !== true) ?? null;
  }

  function idOf(row, name) {
    const other = Object.keys(row).find((key) => key.endsWith("_id"));
    return row[name] ?? row.id ?? row[name.slice(name.lastIndexOf("_") + 1)] ?? row[other];
  }

  return {
    fillBodies,
    plugin: {
      statePlugins: {
        oas3: {
          wrapActions: {
            setRequestBodyValue: (original) => ({ value, pathMethod }) =>
              original({ value: inPlaceOfExample(value, pathMethod), pathMethod }),
          },
        },
      },
    },
    attach(to) {
      ui = to;
      fillExamples();
    },
    /** The paths that list the rows of another path, the shortest first, each with the parameter that names a row. */
    lists() {
      return templates
        .flatMap((template) => templates.map((row) => [template, row, ROW.exec(row.slice(template.length))]))
        .filter(([template, row, match]) => match && row.startsWith(template) && spec.paths[template].get)
        .map(([template, , match]) => ({
          template,
          name: match[1],
          limited: operations.some(
            (one) => one.template === template && one.method === "get" && one.parameters.some(({ name }) => name === "limit"),
          ),
        }))
        .sort((one, other) => one.template.length - other.template.length);
    },
    /** Take the id of a row, and its version. `path` begins after the mount. Returns the row. */
    remember(path, body, tag) {
      if (!ui || !body || typeof body !== "object") return null;
      const at = templates.find((template) => new RegExp(`^${template.replace(/\{[^}]+\}/g, "[^/]+")}$`).test(path));
      if (!at) return null;
      if (tag) fillVersion(at, tag);
      if (body.refresh_token) fillBodies("refresh_token", body.refresh_token);
      const row = rowOf(body);
      for (const template of row ? templates : []) {
        const match = template.startsWith(at) && ROW.exec(template.slice(at.length));
        const value = match ? idOf(row, match[1]) : null;
        if (!value) continue;
        learn(template, match[1], String(value));
        if (row.version) fillVersion(template, `"${row.version}"`);
      }
      return row;
    },
  };
}
