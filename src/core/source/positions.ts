import { createRequire } from "node:module";
import type { Node } from "yaml";
import { keys } from "./tree.js";

interface Position {
  /** `line` and `column` count from 1. They are 0 if there is no text. */
  line: number;
  column: number;
}

/** `key`: the position of the key itself; `value`: the position of its value. */
export type Part = "key" | "value";

export type FindPosition = (pointer: string, part: Part) => Position;

/**
 * Returns a function that finds the position of a key or value in a YAML or JSON text, or the position of the nearest parent if the key is
 * missing. js-yaml, which parsed the text, keeps no positions, so the package `yaml` is used. That package is loaded on demand, because
 * only errors and `--origin` need it.
 */
export function positionsOf(text: string): FindPosition {
  const { parseDocument, LineCounter, isAlias, isMap, isSeq }: typeof import("yaml") = createRequire(import.meta.url)(
    "yaml",
  );
  const lineCounter = new LineCounter();
  const document = parseDocument<Node>(text, { lineCounter, uniqueKeys: false });

  function step(node: Node | null | undefined, key: string): Record<Part, Node | null | undefined> | undefined {
    const target = isAlias(node) ? node.resolve(document) : node;
    if (isSeq<Node>(target)) {
      const item = target.items[Number(key)];
      return item && { key: item, value: item };
    }
    return isMap<Node, Node | null>(target) ? target.items.find((pair) => String(pair.key) === key) : undefined;
  }

  return (pointer, part) => {
    let found: Record<Part, Node | null | undefined> = { key: document.contents, value: document.contents };
    for (const key of keys(pointer)) {
      const next = step(found.value, key);
      if (!next) {
        found = { key: found.key, value: found.key };
        break;
      }
      found = next;
    }
    const { line, col } = lineCounter.linePos((found[part] ?? found.key)?.range?.[0] ?? 0);
    return { line, column: col };
  };
}
