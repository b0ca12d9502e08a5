import { createRequire } from "node:module";
import type { Node, Pair, YAMLMap } from "yaml";
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
  const { parseDocument, LineCounter, isAlias, isMap, isSeq, visit }: typeof import("yaml") = createRequire(
    import.meta.url,
  )("yaml");
  const lineCounter = new LineCounter();
  const document = parseDocument<Node>(text, { lineCounter, uniqueKeys: false });

  const anchors = new Map<string, Node>();
  const targets = new Map<Node, Node | undefined>();
  visit(document, {
    Node: (_, node) => {
      if (isAlias(node)) targets.set(node, anchors.get(node.source));
      else if (node.anchor) anchors.set(node.anchor, node);
    },
  });

  // Each mapping is indexed once, because a file with many mistakes may have tens of thousands of keys in one mapping.
  const indexes = new WeakMap<object, Map<string, Pair<Node, Node | null>>>();
  function pairOf(map: YAMLMap<Node, Node | null>, key: string): Pair<Node, Node | null> | undefined {
    const index = indexes.get(map) ?? new Map(map.items.toReversed().map((pair) => [String(pair.key), pair]));
    indexes.set(map, index);
    return index.get(key);
  }

  function step(node: Node | null | undefined, key: string): Record<Part, Node | null | undefined> | undefined {
    const target = isAlias(node) ? targets.get(node) : node;
    if (isSeq<Node>(target)) {
      const item = target.items[Number(key)];
      return item && { key: item, value: item };
    }
    return isMap<Node, Node | null>(target) ? pairOf(target, key) : undefined;
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
