/** Reads what programs forbid outside of their servers, and adds it to the servers: as `tools.deny`, `tools.allow` or `enabled: false`. */
import { asArray, asObject, asObjects, isPlainObject, type JsonObject } from "../../core/json.js";
import { addAll } from "../../core/lists/long-lists.js";
import { globMatches } from "../../core/patterns/glob.js";
import type { ServerDraft } from "./server-draft.js";

/** Adds the rules that concern the server. `trees` are the values of all files that have rules, in the order in which they count. */
export type Restrict = (draft: ServerDraft, trees: readonly JsonObject[], folder: string) => void;

/** Switches off what the user has refused or switched off in Claude Code for the project in `folder`. */
export const restrictClaude: Restrict = (draft, trees, folder) => {
  const projects = trees.map(({ projects }) => asObject(asObject(projects)?.[folder]) ?? {});
  const off = projects.flatMap((each) => [each.disabledMcpServers, each.disabledMcpjsonServers]).flatMap(asArray);
  if (off.includes(draft.name)) draft.entry.enabled = false;
};

/**
 * Adds Zed's rules. Where a file denies all tools, only the tools with another answer of their own are offered. Zed's patterns for arguments
 * cannot be written here, so a pattern that denies stands for all calls. An answer that is not known here denies.
 */
export const restrictZed: Restrict = (draft, trees) => {
  const prefix = `mcp:${draft.name}:`;
  for (const { agent } of trees) {
    const { default: general, tools } = asObject(asObject(agent)?.tool_permissions) ?? {};
    const offered: string[] = [];
    for (const [id, rules] of Object.entries(asObject(tools) ?? {}).filter(([id]) => id.startsWith(prefix))) {
      const tool = id.slice(prefix.length);
      const { default: answer, always_deny: denied } = asObject(rules) ?? {};
      const isOffered = answer === "allow" || answer === "confirm";
      if (asArray(denied).length > 0 || (answer && !isOffered)) draft.addTools("deny", [tool]);
      else if (isOffered && !tool.includes("*")) offered.push(tool);
    }
    if (general === "deny" && offered.length > 0) draft.addTools("allow", offered);
    else if (general === "deny") draft.addTools("deny", ["*"]);
  }
};

/** Adds what Gemini CLI excludes for all servers. Older versions have the lists at the top of the file. */
export const restrictGemini: Restrict = (draft, trees) => {
  for (const tree of trees) {
    const { allowed, excluded } = asObject(tree.mcp) ?? {};
    const isOff = [excluded, tree.excludeMCPServers].some((list) => asArray(list).includes(draft.name));
    const only = [allowed, tree.allowMCPServers].map(asArray).filter((list) => list.length > 0);
    // `gemini mcp disable` writes `{name: {enabled: false}}` into a file of its own, with the name in lower case.
    const own = asObject(tree[draft.name.toLowerCase().trim()]);
    if (isOff || only.some((list) => !list.includes(draft.name)) || own?.enabled === false) draft.entry.enabled = false;
    const names = [asObject(tree.tools)?.exclude, tree.excludeTools].flatMap(asArray).map(String);
    const patterns = names.flatMap((name) => geminiTools(draft.name, name));
    draft.addTools("deny", patterns);
  }
};

/**
 * Returns patterns for the tools of the server that Gemini CLI excludes by this name. The server may stand before the tool. Names with
 * arguments in parentheses are about tools of Gemini CLI itself.
 */
function geminiTools(server: string, name: string): string[] {
  if (name.includes("(")) return [];
  const written = server.replaceAll(/[^\w.:-]/g, "_");
  // Gemini CLI puts no second `mcp_` before a name that begins with it.
  const prefixes = ["", `mcp_${written}_`, `${written}__`, ...(written.startsWith("mcp_") ? [`${written}_`] : [])];
  // In a name that was shortened to 63 characters, `...`, in earlier versions `___`, stands for what was left out.
  const pattern = name.replace(/^(.{30})\.{3}(.{30})$/, "$1*$2").replace(/^(.{28})_{3}(.{32})$/, "$1*$2");
  const patterns = prefixes.flatMap((prefix) => withoutPrefix(prefix, pattern));
  // Gemini CLI keeps dots and colons beside `_`. `tools.deny` knows a tool only by its own name and by the name with `_` for all of them.
  return patterns.flatMap((each) =>
    /[.:]/.test(each) && each.includes("_") ? [each, each.replaceAll(/[.:]/g, "_")] : [each],
  );
}

/**
 * A pattern for `server_tool`, in which `*` is any text and `?` any one character, and the answer to calls. `ask` also stands for `true` under
 * `tools`, which only switches a tool on.
 */
type Rule = readonly [pattern: string, answer: "allow" | "ask" | "deny"];

/**
 * Adds opencode's rules. In version 1, those under `permission` count after those under `tools`, which is the older key; a pattern that stands
 * in several files or under both keys keeps its first place and has its last value. Version 2 has a list. What calls of MCP tools ask for is
 * the resource `*`, so a rule for another resource allows none of them, but a denial stands for all calls.
 */
export const restrictOpencode: Restrict = (draft, trees) => {
  const answersIn = (rules: unknown) =>
    Object.entries(asObject(rules) ?? { "*": rules }).flatMap(([pattern, value]) => {
      const answer = opencodeAnswer(value);
      return answer ? [[pattern, answer] as const] : [];
    });
  const mapped = new Map(["tools", "permission"].flatMap((key) => trees.flatMap((tree) => answersIn(tree[key]))));
  const listed = trees.flatMap(({ permissions }) => asObjects(permissions));
  const listedRules = listed.flatMap(({ action, resource, effect }) => {
    const answer = opencodeAnswer(effect);
    return answer === "deny" || (answer && resource === "*") ? [[String(action), answer] as const] : [];
  });
  applyRules(draft, [...mapped]);
  applyRules(draft, listedRules);
};

/** Returns the answer of a rule, undefined if it has none that is known here. Of answers by the arguments of a call, the strictest counts. */
function opencodeAnswer(value: unknown): Rule[1] | undefined {
  if (isPlainObject(value)) {
    const answers = Object.values(value).map(opencodeAnswer);
    return (["deny", "ask", "allow"] as const).find((answer) => answers.includes(answer));
  }
  if (value === false || value === "deny") return "deny";
  if (value === true || value === "ask") return "ask";
  return value === "allow" ? "allow" : undefined;
}

/**
 * A denial with `*` is left out if one later rule of the same version covers all of it. A denial of one tool always stays: newer versions of
 * opencode let rules for one tool count wherever they stand.
 */
function applyRules(draft: ServerDraft, rules: readonly Rule[]): void {
  const prefix = `${draft.name.replaceAll(/[^A-Za-z0-9_-]/g, "_")}_`;
  const denied: string[] = [];
  /** Patterns that rules after the present one allow or ask for. The rules are read backwards. */
  const takenBack: string[] = [];
  const isDenied = (tools: string) => !tools.includes("*") || !takenBack.some((back) => globMatches(back, tools));
  for (const [pattern, answer] of rules.toReversed()) {
    const tools = withoutPrefix(prefix, pattern);
    if (answer === "deny") addAll(denied, tools.filter(isDenied));
    else if (!pattern.includes("?")) addAll(takenBack, tools);
  }
  draft.addTools("deny", denied);
}

/**
 * Returns patterns for the names that match `pattern` when `prefix` stands before them. In `pattern`, `*` is any text and `?` any one
 * character. Because patterns here have no `?`, it becomes `*` in the result.
 */
function withoutPrefix(prefix: string, pattern: string): string[] {
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
