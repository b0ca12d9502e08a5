/** Finds what may restrict tools in another program and that no importer reads: settings of an imported file, and further files. */

import { existsSync } from "node:fs";
import type { JsonObject } from "../../../core/json.js";
import { displayName } from "../../../core/source/source.js";
import { child, keyPath } from "../../../core/source/tree.js";
import type { Note } from "./server-draft.js";

const betweenWords = /[^A-Za-z0-9]+|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/;

/** Matches a word of a key that may be about which tools are offered, run, or asked about. */
const aboutTools =
  /^(?:(?:allow|approv|block|deni|deny|disab|disallow|exclu|forbid|permi|polic|prohibit|restrict|sandbox|trust|untrust).*|(?:black|white)list|hooks?|mcp|profiles?|tools?|toolsets?)$/i;

const isAboutTools = (key: string) => key.split(betweenWords).some((word) => aboutTools.test(word));

/**
 * Returns a note for each topmost key that may restrict tools, so that nothing that another program forbids is dropped without a word, also
 * where its format is newer than its importer. `known` are the pointers of what the importer reads, and of what restricts no tools of MCP
 * servers. If a key contains something known, its other keys get a note each. Notes have no values, which may be secrets.
 */
export function unreadRules(tree: JsonObject, known: readonly string[]): Note[] {
  const skipped = new Set(known);
  const containsKnown = new Set(known.flatMap(ancestors));
  const notes: Note[] = [];
  const visit = (holder: object, pointer: string, isWithin: boolean) => {
    for (const [key, value] of Object.entries(holder)) {
      const at = child(pointer, key);
      if (value === null || skipped.has(at)) continue;
      const isHolder = typeof value === "object";
      const mayRestrict = isWithin || isAboutTools(key);
      if (mayRestrict && !(isHolder && containsKnown.has(at))) {
        notes.push({ key: keyPath(at), text: mayForbid });
      } else if (isHolder) visit(value, at, mayRestrict);
    }
  };
  visit(tree, "", false);
  return notes;
}

/** Returns a note for each of these paths that exists. */
export function unreadPaths(paths: readonly string[], cwd: string): Note[] {
  const existing = [...new Set(paths)].filter((path) => existsSync(path));
  return existing.map((path) => ({ key: displayName(path, cwd), text: mayForbid }));
}

/** Returns the pointers of all that contains the pointer: for `/a/b/c`, `/a` and `/a/b`. */
function ancestors(pointer: string): string[] {
  const parent = pointer.slice(0, pointer.lastIndexOf("/"));
  return parent === "" ? [] : [parent, ...ancestors(parent)];
}

const mayForbid =
  "was not imported, and may forbid tools there or ask about them: write such rules under `permissions`";
