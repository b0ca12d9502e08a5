/**
 * Lets the conformance suites start on Node 20. They import `globSync`, which exists from Node 22 on, for a command that is not used here.
 */
import { register } from "node:module";

const hook = `
const fs = "data:text/javascript," + encodeURIComponent(
  "import fs from 'node:fs'; export * from 'node:fs'; export default fs; export function globSync() { throw new Error('needs Node 22'); }");
export async function resolve(specifier, context, next) {
  const isSuite = /\\/(conformance|conformance-alpha)\\/dist\\//.test(context.parentURL ?? "");
  return specifier === "fs" && isSuite ? { url: fs, shortCircuit: true } : next(specifier, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
