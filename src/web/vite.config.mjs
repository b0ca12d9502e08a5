/** Builds the page of `serve` into dist/ui. */
import { defineConfig } from "vite";
import { listedModules } from "../../scripts/listed-modules.mjs";

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [listedModules],
  build: {
    outDir: "../../dist/ui",
    emptyOutDir: true,
    target: "es2022",
    // The page's content security policy allows no files inlined as data, except images.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // The first view is one file. The bundler would make twenty of it, whose headers are a fifth of what goes over the wire.
    rolldownOptions: { output: { codeSplitting: { groups: [{ name: "page", tags: ["$initial"] }] } } },
  },
});
