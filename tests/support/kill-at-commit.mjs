// Preloaded into a host: its event log is opened through killing-sqlite.mjs, or watched by killing-postgres.mjs.
import { register } from "node:module";
import "./killing-postgres.mjs";

const hook = `
const shim = ${JSON.stringify(new URL("killing-sqlite.mjs", import.meta.url).href)};
export const resolve = (name, context, next) =>
  name === "./sqlite.js" ? { url: shim, shortCircuit: true } : next(name, context);
`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
// Where Node has an SQLite of its own, the one for older Nodes is used all the same: the built-in cannot be stood in for.
const { getBuiltinModule } = process;
process.getBuiltinModule = (name) => (name === "node:sqlite" ? undefined : getBuiltinModule(name));
