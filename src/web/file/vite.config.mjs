/**
 * Builds the trace view of an exported conversation into dist/file-view: one script and one style sheet, which the export puts into its
 * file.
 */
import { defineConfig } from "vite";
import { listedModules } from "../../../scripts/listed-modules.mjs";

export default defineConfig({
  root: import.meta.dirname,
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [listedModules],
  build: {
    outDir: "../../../dist/file-view",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    cssCodeSplit: false,
    rolldownOptions: {
      input: "main.tsx",
      output: { format: "iife", entryFileNames: "view.js", assetFileNames: "view[extname]" },
    },
  },
});
