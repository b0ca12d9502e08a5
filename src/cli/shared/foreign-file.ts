import { readRegularFile } from "../../core/source/regular-file.js";

/** The settings at the top level of a configuration. */
export const topLevelSettings = ["llm", "mcpServers", "mcp", "chat", "serve", "logging", "telemetry"];

/**
 * Returns true if the file is the configuration of another program, since many call theirs `config.yaml`: it has keys at its top level, and none of
 * them is a setting of this host. A file that cannot be read, or has no such keys, is not foreign: reading it as a configuration tells what is wrong.
 */
export function isForeign(path: string): boolean {
  const keys = [...textOf(path).matchAll(/^["']?([\w.-]+)["']?[ \t]*:(?=\s|$)/gm)].map(([, key = ""]) => key);
  return keys.length > 0 && !keys.some((key) => topLevelSettings.includes(key));
}

function textOf(path: string): string {
  try {
    return readRegularFile(path) ?? "";
  } catch {
    return "";
  }
}
