"use strict";
const place = document.getElementById("document");

/** The page's parts for other scripts, in the event `insula:docs`, once the document is shown. */
async function show() {
  const answer = await fetch(place.dataset.url);
  if (!answer.ok) {
    place.textContent = "The document could not be loaded; reload this page.";
    return;
  }
  const spec = await answer.json();
  const flow = CodeFlow(spec, place.dataset);
  const filling = Filling(spec);
  mendElements(place, SWAGGER_UI_RULES);
  const ui = SwaggerUIBundle({
    domNode: place,
    spec,
    plugins: [PageLayout, ShortErrors, filling.plugin, flow.plugin],
    ...flow.options,
    layout: "InsulaLayout",
    deepLinking: true,
    defaultModelsExpandDepth: -1,
    displayRequestDuration: true,
    docExpansion: "list",
    filter: true,
    persistAuthorization: false,
    requestSnippetsEnabled: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    responseInterceptor: (response) => {
      const { pathname } = new URL(response.url, location.href);
      if (response.ok) filling.remember(pathname.slice(place.dataset.mount.length), response.body, response.headers?.etag);
      document.dispatchEvent(new CustomEvent("insula:response", { detail: response }));
      return response;
    },
    onComplete: () => {
      ui.specActions.updateUrl(place.dataset.url); // shown as a link to the document
      filling.attach(ui);
      flow.start(ui);
      document.dispatchEvent(new CustomEvent("insula:docs", { detail: { ui, spec, filling, ...place.dataset } }));
    },
  });
}

show().catch(() => {
  place.textContent = "The server does not answer; reload this page.";
});
