// Draws the API reference from /openapi.yaml, in the colours that the system asks for.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
follow();
dark.addEventListener("change", follow);

// Swagger UI gives some of its controls no name that a screen reader could
// say, or one that is not what they show.
const nameControls = (root) => {
  for (const choice of root.querySelectorAll("select:not([aria-label]):not([id])")) {
    choice.setAttribute("aria-label", choice.classList.contains("content-type") ? "Media type" : "Example");
  }
  for (const button of root.querySelectorAll("button.close-modal:not([aria-label])")) {
    button.setAttribute("aria-label", "Close");
  }
  for (const button of root.querySelectorAll("button.modal-btn[aria-label]")) {
    button.removeAttribute("aria-label");
  }
};

addEventListener("DOMContentLoaded", () => {
  const root = document.getElementById("reference");
  new MutationObserver(() => nameControls(root)).observe(root, { childList: true, subtree: true });
  SwaggerUIBundle({
    url: "/openapi.yaml",
    domNode: root,
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
