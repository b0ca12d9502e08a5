/** Writes new values of assertions into the text of a script. Comments and layout are kept. */
import { isDeepStrictEqual } from "node:util";
import { load } from "js-yaml";
import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from "yaml";
import { patches } from "./patches.js";

/**
 * A new value for an assertion. If several assertions begin in the same line, `of` is their number and `index` is the position of this
 * assertion among them.
 */
export interface Edit {
  line: number;
  index: number;
  of: number;
  value: unknown;
}

/** Result of an edit: the text of the value before and after the edit, or the reason why it was not changed. */
export type Edited = { before: string; after: string } | { problem: string };

/**
 * Returns the text with the new values. Throws if the text cannot be parsed, which is not expected: the text was a valid script when it was
 * run.
 */
export function rewritten(source: string, edits: readonly Edit[]): { text: string; edited: Edited[] } {
  const assertions = assertionsOf(source);
  const found = edits.map((edit) => {
    const here = assertions.filter(({ line }) => line === edit.line);
    return here.length === edit.of ? here[edit.index] : undefined;
  });
  const edited: Edited[] = found.map(() => ({ problem: "several steps have assertions in this line" }));
  // Edits are applied from the end of the text to its start, because an edit moves everything after it.
  const order = [...edits.keys()].sort((one, other) => startOf(found[other]) - startOf(found[one]));
  let text = source;
  for (const index of order) {
    const one = found[index];
    if (!one?.node?.range) continue;
    const [start, end] = one.node.range;
    const changed = applied(text, one, edits[index]?.value);
    if (changed === undefined) {
      edited[index] = { problem: "the value is an anchor or an alias" };
      continue;
    }
    const after = changed.slice(start, changed.length - (text.length - end));
    edited[index] = { before: text.slice(start, end).trimEnd(), after: after.trimEnd() };
    text = changed;
  }
  return { text, edited };
}

function startOf(found: FoundAssertion | undefined): number {
  return found?.node?.range?.[0] ?? -1;
}

interface FoundAssertion {
  line: number;
  /** Path of the assertion's value in the parsed script. */
  path: readonly PropertyKey[];
  node: Node | undefined;
}

/** Returns all assertions in the order of the text. */
function assertionsOf(source: string): FoundAssertion[] {
  const lineCounter = new LineCounter();
  const found: FoundAssertion[] = [];
  visit(parseDocument(source, { lineCounter }), {
    Pair(_, pair, ancestors) {
      const { key, value: list } = pair;
      if (!isScalar(key) || key.value !== "assert" || !isSeq<Node>(list)) return;
      for (const item of list.items) {
        if (!isMap<Node, Node | null>(item) || !item.range) continue;
        const node = item.items.find((each) => isScalar(each.key) && each.key.value === "value")?.value ?? undefined;
        const path = [...keysOf([...ancestors, pair, list, item]), "value"];
        found.push({ line: lineCounter.linePos(item.range[0]).line, path, node });
      }
    },
  });
  return found;
}

function keysOf(nodes: readonly unknown[]): PropertyKey[] {
  return nodes.flatMap((node, index): PropertyKey[] => {
    if (isPair(node)) return [String(isScalar(node.key) ? node.key.value : node.key)];
    return isSeq(node) ? [node.items.indexOf(nodes[index + 1])] : [];
  });
}

/** Returns the changed text. Undefined if the change would also affect other parts of the script. */
function applied(text: string, { path, node }: FoundAssertion, value: unknown): string | undefined {
  // With YAML aliases, several places in `load(text)` are the same object. In the copy, each place has its own object.
  const before: unknown = JSON.parse(JSON.stringify(load(text)));
  const wanted = alike(at(before, path), value);
  const changed = patches(node, wanted, text)
    .sort((one, other) => other.start - one.start)
    .reduce((all, { start, end, part }) => all.slice(0, start) + part + all.slice(end), text);
  const parent = at(before, path.slice(0, -1)) as Record<PropertyKey, unknown>;
  parent[path.at(-1) ?? ""] = wanted;
  return isDeepStrictEqual(JSON.parse(JSON.stringify(load(changed))), before) ? changed : undefined;
}

function at(tree: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((node, key) => (node as Record<PropertyKey, unknown>)[key], tree);
}

/**
 * Returns the value to write into the script, if possible with the type of the old value. `equals` compares texts, so if the old value is a
 * number and the new one is the text "12", returns the number 12. A text stays a text if reading and writing it as another type would
 * change it.
 */
function alike(before: unknown, value: unknown): unknown {
  if (typeof before === "string" || typeof value !== "string") return value;
  const read = load(value);
  return typeof read === typeof before && String(read) === value ? read : value;
}
