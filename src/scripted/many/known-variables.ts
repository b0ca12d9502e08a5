import { RequestError } from "../../core/errors.js";
import { didYouMean } from "../../core/text/nearest.js";
import type { Script } from "../shared/script.js";
import type { VariableValues } from "../shared/variables.js";

/**
 * Throws RequestError if `--var` sets a variable that none of the scripts has. A script has the variables that it declares, and any that its texts
 * mention: it may leave the value to `--var`. Scripts without a declared variable are not checked.
 */
export function requireKnownVariables(scripts: readonly Script[], given: VariableValues = {}): void {
  const declared = [
    ...new Set(scripts.flatMap(({ vars, matrix }) => [...Object.keys(vars), ...Object.keys(matrix.vars)])),
  ];
  if (declared.length === 0) return;
  // Without the escapes of JSON, whose letter would be taken for the beginning of a name.
  const texts = scripts.map(({ source: _, ...script }) => JSON.stringify(script).replaceAll(/\\[a-z]/g, " ")).join(" ");
  const isKnown = (name: string) => declared.includes(name) || new RegExp(`\\b${name}\\b`).test(texts);
  const unknown = Object.keys(given).find((name) => !isKnown(name));
  if (unknown === undefined) return;
  throw new RequestError("usage", `--var ${unknown}: no session has this variable${didYouMean(unknown, declared)}`, {
    hint: `known: ${declared.toSorted().join(", ")}`,
  });
}
