/** Translates another program's rules about tools. An import never lets a tool run unasked that a rule asks about or denies. */

import { globMatches } from "../../../core/patterns/glob.js";
import type { ServerDraft } from "./server-draft.js";

export interface ToolRule {
  /** Pattern for names of the server's tools, as in `tools.deny`. */
  tools: string;
  answer: "allow" | "ask" | "deny";
  /** The rule as written in the imported file, for notes. */
  written: string;
}

/**
 * Adds the rules to `tools.deny` and `tools.auto_approve`. An "allow" is left out with a note if a later rule, a rule for one tool or a
 * "deny" limits it, because `tools.auto_approve` cannot say "all but". A "deny" always counts, because `tools.deny` wins here.
 */
export function applyToolRules(draft: ServerDraft, rules: readonly ToolRule[], key: string): void {
  const denials = rules.filter(({ answer }) => answer === "deny");
  for (const [index, { tools, answer, written }] of rules.entries()) {
    const limits = rules.filter(
      (other, place) =>
        other.answer !== "allow" && (place > index || other.answer === "deny" || !isPattern(other.tools)),
    );
    const denial = denials.find((other) => globMatches(other.tools, tools));
    const limit = limits.find((other) => overlap(other.tools, tools));
    if (answer === "deny") draft.add("tools.deny", [tools], key);
    else if (denial) draft.note(written, `is denied here, because ${denial.written} is, and a denial always counts`);
    else if (answer === "ask") {
      draft.note(written, "is asked about as every tool is here (chat.service.permissions.ask makes sure of it)");
    } else if (limit) {
      const why = `its tools are asked about here, because ${limit.written} limits it`;
      draft.note(written, `${why}: name those that may run unasked in tools.auto_approve`);
    } else draft.add("tools.auto_approve", [tools], key);
  }
}

const isPattern = (tools: string) => tools.includes("*");

/** Returns false only if no tool matches both patterns. Two patterns with `*` may overlap unless their beginnings differ. */
function overlap(one: string, other: string): boolean {
  if (!isPattern(one) || !isPattern(other)) return globMatches(one, other) || globMatches(other, one);
  const [begin = "", otherBegin = ""] = [one.split("*")[0], other.split("*")[0]];
  return begin.startsWith(otherBegin) || otherBegin.startsWith(begin);
}

/**
 * Returns patterns for all names that match `pattern` when `prefix` stands before them. In `pattern`, `*` is any text and `?` any one
 * character. Because patterns here have no `?`, it becomes `*` in the result.
 */
export function patternsAfter(prefix: string, pattern: string): string[] {
  let rests = new Set([pattern.replaceAll(/\*+/g, "*")]);
  for (const character of prefix) {
    const next = new Set<string>();
    for (const rest of rests) {
      const literal = rest.startsWith("*") ? rest.slice(1) : rest;
      if (literal !== rest) next.add(rest);
      if (literal.startsWith(character) || literal.startsWith("?")) next.add(literal.slice(1));
    }
    rests = next;
  }
  return [...rests].filter((rest) => rest !== "").map((rest) => rest.replaceAll("?", "*"));
}
