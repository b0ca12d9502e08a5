/** A plugin for Vite that lists the modules in its output, for what is said of the code of others. */
export const modulesFile = "modules.json";

export const listedModules = {
  name: "listed-modules",
  generateBundle(_, output) {
    const ids = Object.values(output).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
    this.emitFile({ type: "asset", fileName: modulesFile, source: JSON.stringify(ids) });
  },
};
