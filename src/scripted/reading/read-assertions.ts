import { child } from "../../core/source/tree.js";
import { problemOf } from "../assertions/assertions.js";
import type { Assertion } from "../shared/script.js";
import type { ScriptDocument } from "./document.js";

/** Reads the assertions of a step that the schema has accepted. Problems are added to the document. */
export function readAssertions(list: unknown, pointer: string, document: ScriptDocument): Assertion[] {
  return ((list ?? []) as Omit<Assertion, "place">[]).map((written, index) => {
    const at = child(pointer, index);
    const assertion = { ...written, place: document.place(at) };
    const message = problemOf(assertion);
    if (message !== undefined) document.complain({ pointer: child(at, "type"), part: "value", message });
    return assertion;
  });
}
