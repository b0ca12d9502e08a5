import { readRegularFile } from "../../core/source/regular-file.js";

/** The settings at the top level of a configuration. */
export const topLevelSettings = ["llm", "mcpServers", "mcp", "chat", "serve", "logging", "telemetry"];
/** Keys that only our configuration has, in lower case and without `_` or `-`. */
const ownSettings = ["llm", "mcpservers", "mcp", "chat"];

/**
 * Returns true if the file is the configuration of another program, since many call theirs `config.yaml`: it has keys at its top level that are no
 * settings of this host, and none that only this host has, in any spelling. A file that cannot be read, or has no keys there, is not foreign:
 * reading it as a configuration reports the mistake.
 */
export function isForeign(path: string): boolean {
  const keys = [...textOf(path).matchAll(/^["']?([\w.-]+)["']?[ \t]*:(?=\s|$)/gm)].map(([, key = ""]) => key);
  return (
    keys.some((key) => !topLevelSettings.includes(key)) &&
    !keys.some((key) => ownSettings.includes(withoutSeparators(key)))
  );
}

function withoutSeparators(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, "");
}

function textOf(path: string): string {
  try {
    return readRegularFile(path) ?? "";
  } catch {
    return "";
  }
}
