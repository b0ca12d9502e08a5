/** A Vite plugin that lists the modules in its output. The list is the source for the third-party licences and the SBOM. */
export const modulesFile = "modules.json";

export const listedModules = {
  name: "listed-modules",
  generateBundle(_, output) {
    const ids = Object.values(output).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
    this.emitFile({ type: "asset", fileName: modulesFile, source: JSON.stringify(ids) });
  },
};
