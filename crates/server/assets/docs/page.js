// The chooser between dialects, and the UI for the one that is chosen. Everything comes from this server.
"use strict";

// Swagger UI has dark colours, and waits to be told.
const dark = matchMedia("(prefers-color-scheme: dark)");
const paint = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", paint);
paint();

(async () => {
  const chooser = document.getElementById("dialect");
  const link = document.getElementById("document");
  const { dialects } = await (await fetch("/openapi.json")).json();
  for (const { name, title } of dialects) {
    const option = new Option(title === name ? name : `${name}: ${title}`, name);
    chooser.add(option);
  }

  const show = () => {
    const wanted = decodeURIComponent(location.hash.slice(1));
    const dialect = dialects.find(({ name }) => name === wanted) ?? dialects[0];
    if (!dialect) return;
    chooser.value = dialect.name;
    link.href = dialect.url;
    SwaggerUIBundle({
      url: dialect.url,
      domNode: document.getElementById("ui"),
      presets: [SwaggerUIBundle.presets.apis],
      layout: "BaseLayout",
      validatorUrl: null, // the badge would ask another host
      queryConfigEnabled: false, // a link must not choose what is shown or asked
      tryItOutEnabled: true,
      defaultModelsExpandDepth: -1,
      displayRequestDuration: true,
    });
  };
  chooser.addEventListener("change", () => { location.hash = encodeURIComponent(chooser.value); });
  addEventListener("hashchange", show);
  show();
})();
