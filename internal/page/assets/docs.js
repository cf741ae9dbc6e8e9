// Draws the API reference from /openapi.yaml, in the colours that the system asks for.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

addEventListener("DOMContentLoaded", () => {
  SwaggerUIBundle({
    url: "/openapi.yaml",
    domNode: document.getElementById("reference"),
    validatorUrl: null, // asks no other host
    persistAuthorization: false,
    deepLinking: false, // its links stand inside buttons, which screen readers can't tell apart
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    tryItOutEnabled: true,
    // There is one server, this one: no need to pick it.
    plugins: [{ wrapComponents: { ServersContainer: () => () => null } }],
  });
});
