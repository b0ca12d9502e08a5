/** Preloaded by `--import`: makes packages whose names begin with WITHOUT_PACKAGES look as if they were not installed. */
import { register } from "node:module";

const hook = `
export async function resolve(specifier, context, next) {
  if (!specifier.startsWith(process.env.WITHOUT_PACKAGES)) return next(specifier, context);
  throw Object.assign(new Error("Cannot find package " + specifier), { code: "ERR_MODULE_NOT_FOUND" });
}`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
