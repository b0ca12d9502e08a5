import { dump } from "js-yaml";
import { isPlainObject, type JsonObject } from "../core/json.js";
import { isPlainVariable, isSecretName } from "../core/secrets/secret-names.js";
import { child, keys } from "../core/source/tree.js";
import { presetOf } from "../llm/providers/presets.js";
import { chooseWire, presetAddress } from "../llm/providers/wire-choice.js";
import type { LoadedConfig } from "./reading/load.js";
import { redactArgs, redactUrls } from "./reading/redact-config.js";
import { isSecret } from "./schema/config-schema.js";

export { schemaText } from "./schema/config-schema.js";
export { initText } from "./starter.js";

interface ConfigTextOptions {
  origin?: boolean;
  /** Pointers of the settings and servers that are marked as not confirmed. */
  unconfirmed?: readonly string[];
}

/** Returns the configuration as YAML, with secrets removed. */
export function showConfig(loaded: LoadedConfig, { origin = false, unconfirmed = [] }: ConfigTextOptions = {}): string {
  const comment = (...facts: readonly string[]) => (facts.length > 0 ? ` # ${facts.join(", ")}` : "");
  const lines = (tree: JsonObject, pointer: string, indent: string): string[] =>
    Object.entries(tree).flatMap(([key, value]) => {
      const at = child(pointer, key);
      const name = `${indent}${inline(key)}:`;
      const marks = unconfirmed.includes(at) ? ["not confirmed yet, so it has no effect"] : [];
      if (isPlainObject(value) && Object.keys(value).length > 0) {
        return [`${name}${comment(...marks)}`, ...lines(value, at, `${indent}  `)];
      }
      const origins = origin ? [loaded.originOf(at)] : [];
      return [`${name} ${inline(redact(value, at, loaded))}${comment(...origins, ...marks)}`];
    });
  const shown = lines(loaded.tree, "", "");
  return `${[...shown, ...(origin ? presetLines(loaded) : [])].join("\n")}\n`;
}

/**
 * Returns comment lines with the values that providers get from presets. The values are shown as comments, because no file contains them.
 * Only configured providers and the active provider are included.
 */
function presetLines({ config: { llm } }: LoadedConfig): string[] {
  const names = new Set([...(llm.active ? [llm.active] : []), ...Object.keys(llm.providers)]);
  return [...names].flatMap((name) => {
    const own = llm.providers[name] ?? {};
    const preset = presetOf(name);
    const { wire, by } = chooseWire(name, own, own.model ?? preset?.model ?? "");
    const added = [
      ["base_url", own.baseUrl ? undefined : presetAddress(name, wire), `the preset ${name}`],
      ["wire", own.wire ? undefined : wire, by],
      ["model", own.model ? undefined : preset?.model, `the preset ${name}`],
    ] as const;
    return added.flatMap(([key, value, from]) => (value ? [`# llm.providers.${name}.${key}: ${value} # ${from}`] : []));
  });
}

/** Returns the text that `config validate` prints for a valid configuration. */
export function validText({ file, config }: LoadedConfig): string {
  const count = config.mcpServers.length;
  return `${file}: ok (${count} ${count === 1 ? "server" : "servers"}, provider ${config.llm.active ?? "chosen at start"})\n`;
}

function redact(value: unknown, pointer: string, loaded: LoadedConfig): unknown {
  if (isPlainObject(value)) return value;
  const key = keys(pointer).at(-1) ?? "";
  if (isSecret(pointer) || !loaded.variablesOf(pointer).every(isPlainVariable)) return "***";
  if (typeof value === "string") return isSecretName(key, value) ? "***" : redactUrls(value);
  if (!Array.isArray(value)) return value;
  const items = value.map((item, index) => redact(item, child(pointer, index), loaded));
  return key === "args" ? redactArgs(items.map(String)) : items;
}

/** Returns the value as one line of YAML. */
function inline(value: unknown): string {
  if (typeof value === "string" && value.includes("\n")) return JSON.stringify(value);
  return dump(value, { flowLevel: 0, lineWidth: -1 }).trimEnd();
}
