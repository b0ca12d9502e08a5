// Preloaded into a host: opens its event log through killing-sqlite.mjs, or watches it with killing-postgres.mjs.
import { register } from "node:module";
import "./killing-postgres.mjs";

const hook = `
const shim = ${JSON.stringify(new URL("killing-sqlite.mjs", import.meta.url).href)};
export const resolve = (name, context, next) =>
  name === "./sqlite.js" ? { url: shim, shortCircuit: true } : next(name, context);
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
// Uses the SQLite for older Nodes even if Node has its own, because a built-in module cannot be replaced.
const { getBuiltinModule } = process;
process.getBuiltinModule = (name) => (name === "node:sqlite" ? undefined : getBuiltinModule(name));
