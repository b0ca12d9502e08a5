import { basename, join, resolve } from "node:path";
import { isPlainObject, type JsonObject } from "../../core/json.js";
import { parseToolPattern } from "../../core/patterns/tool-pattern.js";
import { child } from "../../core/source/tree.js";
import { parseDuration } from "../../core/text/durations.js";
import { type Script, scriptedModel } from "../shared/script.js";
import { ScriptDocument } from "./document.js";
import { readReplies } from "./read-replies.js";
import { readSteps } from "./read-steps.js";

export type ScriptObject = Readonly<Record<string, unknown>>;

/** The content of a script's file that the schema has accepted. */
interface WrittenScript {
  name?: string;
  description?: string;
  model?: string;
  system?: string;
  vars?: JsonObject;
  mcpServers?: JsonObject;
  config?: JsonObject;
  permissions?: { approval?: "ask" | "auto"; allow?: string[]; allow_in_replay?: string[]; deny?: string[] };
  limits?: { hops?: number; turns?: number; tokens?: number; usd?: number; time?: number | string };
  cassette?: string;
  strict?: boolean;
  matrix?: { models?: string[]; vars?: Record<string, unknown[]> };
  scripted?: unknown[];
  steps: unknown[];
}

/**
 * Reads and checks a script, with all included files. Opens no other files, and has no side effects. `cwd` is an absolute path. Throws one ConfigError that lists
 * every mistake.
 */
export function readScript(given: string | ScriptObject, cwd: string): Script {
  const document =
    typeof given === "string" ? ScriptDocument.read(resolve(cwd, given), cwd) : ScriptDocument.of(given, cwd);
  const { source } = document;
  const tree = source.tree as unknown as WrittenScript;
  checkNames(document, tree);
  checkPermissions(document, tree);
  const steps = readSteps(tree.steps, "/steps", document, cwd);
  const scripted = readReplies(tree.scripted, steps, document);
  if (tree.model === scriptedModel && tree.scripted === undefined) {
    const message = "the scripted model needs replies under scripted";
    document.complain({ pointer: "/model", part: "value", message });
  }
  document.requireSound();

  const { time, ...limits } = tree.limits ?? {};
  const { allow_in_replay: allowedInReplay = [], ...permissions } = tree.permissions ?? {};
  const stem = typeof given === "string" ? basename(given).replace(/(\.session)?\.(ya?ml|json)$/, "") : undefined;
  const name = tree.name ?? stem ?? "script";
  return {
    position: { file: source.file, line: document.position("").line },
    name,
    description: tree.description,
    model: tree.model,
    system: tree.system,
    vars: tree.vars ?? {},
    mcpServers: tree.mcpServers,
    config: tree.config ?? {},
    permissions: { allow: [], deny: [], ...permissions },
    allowedInReplay,
    limits: { ...limits, ...(time !== undefined && { timeMs: typeof time === "string" ? parseDuration(time) : time }) },
    cassette: tree.cassette
      ? document.resolve(tree.cassette)
      : join(source.folder, `${stem ?? slug(name)}.cassette.jsonl`),
    strict: tree.strict ?? false,
    matrix: { models: tree.matrix?.models ?? [], vars: tree.matrix?.vars ?? {} },
    scripted,
    steps,
    source,
  };
}

function slug(name: string): string {
  return name.replaceAll(/[^\w.-]+/g, "-");
}

function checkNames(document: ScriptDocument, { vars, matrix, config }: WrittenScript): void {
  document.checkVariables("/vars", vars);
  document.checkVariables("/matrix/vars", isPlainObject(matrix) ? matrix.vars : undefined);
  if (isPlainObject(config) && "mcpServers" in config) {
    const message = "write mcpServers next to config, not in it";
    document.complain({ pointer: "/config/mcpServers", part: "key", message });
  }
}

function checkPermissions(document: ScriptDocument, { permissions }: WrittenScript): void {
  if (!document.isSound("/permissions")) return;
  for (const key of ["allow", "allow_in_replay", "deny"] as const) {
    for (const [index, text] of (permissions?.[key] ?? []).entries()) {
      const pattern = parseToolPattern(text);
      if (!("problem" in pattern)) continue;
      document.complain({ pointer: child(`/permissions/${key}`, index), part: "value", message: pattern.problem });
    }
  }
}
