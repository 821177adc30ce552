"use strict";
SwaggerUIBundle({
  domNode: document.getElementById("document"),
  url: document.getElementById("document").dataset.url,
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
});
