import { ConfigError } from "../../core/errors.js";
import { displayName } from "../../core/source.js";
import { child, isMapping, type Mapping } from "../../core/tree.js";
import type { Step } from "../script.js";
import { ScriptDocument } from "./document.js";
import { readSteps } from "./read-steps.js";

interface Included {
  vars: Mapping;
  steps: Step[];
}

/**
 * Reads the variables and the steps of an included file. Everything else is ignored, because the file may also be a script that is run on
 * its own.
 */
export function readInclude(file: string, at: string, including: ScriptDocument, cwd: string): Included {
  const path = including.resolve(file);
  const complain = (message: string) => {
    including.complain({ pointer: child(at, "include"), part: "value", message });
    return { vars: {}, steps: [] };
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
    including.problems.push(...error.problems);
    return { vars: {}, steps: [] };
  }
  const { vars, steps } = document.source.tree;
  document.checkVariables("/vars", vars);
  const read = readSteps(steps, "/steps", document, cwd);
  including.problems.push(...document.problems);
  return { vars: isMapping(vars) ? vars : {}, steps: read };
}
