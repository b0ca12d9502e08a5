import { ConfigError } from "../../core/errors.js";
import { addAll } from "../../core/lists/long-lists.js";
import { displayName } from "../../core/source/source.js";
import { child } from "../../core/source/tree.js";
import { ScriptDocument } from "./document.js";

/**
 * Opens an included file and checks its variables. If the file cannot be read or includes itself, adds a problem to the including document
 * and returns undefined.
 */
export function openInclude(
  file: string,
  at: string,
  including: ScriptDocument,
  cwd: string,
): ScriptDocument | undefined {
  const path = including.resolve(file);
  const complain = (message: string) => {
    including.complain({ pointer: child(at, "include"), part: "value", message });
    return undefined;
  };
  if (including.chain.includes(path)) {
    const names = [...including.chain, path].map((each) => displayName(each, cwd));
    return complain(`it includes itself: ${names.join(" -> ")}`);
  }
  let document: ScriptDocument;
  try {
    document = ScriptDocument.read(path, cwd, including.chain);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const [first] = error.problems;
    if (first?.line === 0) return complain(`${first.file}: ${first.message}`);
    addAll(including.problems, error.problems);
    return undefined;
  }
  document.checkVariables("/vars", document.source.tree.vars);
  return document;
}
