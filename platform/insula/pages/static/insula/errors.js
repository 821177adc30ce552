"use strict";
// A plugin for Swagger UI: the errors of an operation as a list with one line each, in place of an example for each status.
const FIRST_ERROR = 400;
const COMMON = 0.8;
const PROBLEM = "application/problem+json";

function ShortErrors(system) {
  const { createElement: tag, Fragment } = system.React;

  function resolved(node) {
    let found = node;
    while (found?.get?.("$ref")) {
      const path = found.get("$ref").replace(/^#\//, "").split("/");
      found = system.specSelectors.specJson().getIn(path);
    }
    return found;
  }

  // The problems that a response shows as examples; those that only an enum of codes names have no example.
  function problemsOf(status, response) {
    const media = resolved(response)?.getIn(["content", PROBLEM]);
    const found = new Map();
    const examples = media?.get("examples")?.toJS?.() ?? {};
    const single = media?.get("example")?.toJS?.();
    for (const shown of [...Object.values(examples), ...(single ? [{ value: single }] : [])]) {
      const value = resolved(system.Im.fromJS(shown))?.get("value")?.toJS?.();
      if (value?.code) found.set(value.code, value);
    }
    for (const code of codesOf(resolved(media?.get("schema")))) {
      if (!found.has(code)) found.set(code, { code, status: Number(status), title: "" });
    }
    if (!found.size) {
      const title = resolved(response)?.get("description") ?? "";
      found.set("", { code: "", status: Number(status), title });
    }
    return [...found.values()];
  }

  function codesOf(schema) {
    const code = resolved(schema?.getIn(["properties", "code"]));
    const own = code?.get("enum")?.toJS?.() ?? (code?.get("const") ? [code.get("const")] : []);
    const parts = schema?.get("allOf")?.toArray?.() ?? [];
    return [...own, ...parts.flatMap((part) => codesOf(resolved(part)))];
  }

  // The codes that nearly every operation with the same method can answer; they say nothing about one of them.
  const common = new Map();
  function commonTo(method) {
    if (!common.has(method)) {
      const operations = system.specSelectors
        .specJson()
        .get("paths")
        .valueSeq()
        .map((item) => item.getIn([method, "responses"]))
        .filter(Boolean)
        .toArray();
      const counts = new Map();
      for (const responses of operations) {
        for (const [status, response] of responses.entries()) {
          if (Number(status) < FIRST_ERROR) continue;
          for (const { code } of problemsOf(status, response)) counts.set(code, (counts.get(code) ?? 0) + 1);
        }
      }
      const least = COMMON * operations.length;
      common.set(method, new Set([...counts].filter(([, count]) => count >= least).map(([code]) => code)));
    }
    return common.get(method);
  }

  function line(status, problem) {
    const key = `${status} ${problem.code}`;
    const head = [
      tag("span", { key: "status", className: "status" }, status),
      tag("code", { key: "code" }, problem.code),
      tag("span", { key: "title", className: "title" }, problem.title),
    ];
    if (!problem.type) return tag("li", { key }, tag("div", { className: "line" }, head));
    const link = /^https?:|^\//.test(problem.type)
      ? tag("a", { href: problem.type, target: "_blank", rel: "noreferrer" }, "What to do")
      : null;
    const json = tag("pre", { tabIndex: 0 }, JSON.stringify(problem, null, 2));
    return tag("li", { key }, tag("details", null, tag("summary", { className: "line" }, head), json, link));
  }

  function Errors({ responses, method }) {
    const usual = commonTo(method);
    const found = responses
      .entrySeq()
      .toArray()
      .flatMap(([status, response]) => problemsOf(status, response).map((problem) => [status, problem]));
    const list = (pairs) => tag("ul", null, pairs.map(([status, problem]) => line(status, problem)));
    const own = found.filter(([, { code }]) => !usual.has(code));
    const others = found.filter(([, { code }]) => usual.has(code));
    const more = tag("summary", null, own.length ? `${others.length} that nearly every ${method.toUpperCase()} request can get` : `Those that nearly every ${method.toUpperCase()} request can get`);
    return tag(
      "section",
      { className: "short-errors" },
      tag("h4", null, "Errors"),
      tag("p", null, "Each is a ", tag("code", null, PROBLEM), "; programs should read its ", tag("code", null, "code"), "."),
      own.length ? list(own) : null,
      others.length ? tag("details", { className: "common" }, more, list(others)) : null,
    );
  }

  return {
    wrapComponents: {
      responses: (Original) => (props) => {
        const isError = (_, status) => Number(status) >= FIRST_ERROR;
        const errors = props.responses.filter(isError);
        const others = props.responses.filterNot(isError);
        return tag(
          Fragment,
          null,
          tag(Original, { ...props, responses: others }),
          errors.size ? tag(Errors, { responses: errors, method: props.method }) : null,
        );
      },
    },
  };
}
