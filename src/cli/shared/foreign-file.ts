import { readRegularFile } from "../../core/source/regular-file.js";

/** The settings at the top level of a configuration. */
export const topLevelSettings = ["llm", "mcpServers", "mcp", "chat", "serve", "logging", "telemetry"];
/** The settings of these that configurations of other programs do not have, as opposed to `logging`. Spelled as `plain` writes them. */
const ownSettings = ["llm", "mcpservers", "mcp", "chat"];

/**
 * Returns true if the file is the configuration of another program, since many call theirs `config.yaml`: it has keys at its top level that are no
 * settings of this host, and none that only this host has, in any spelling. A file that cannot be read, or has no keys there, is not foreign:
 * reading it as a configuration tells what is wrong.
 */
export function isForeign(path: string): boolean {
  const keys = [...textOf(path).matchAll(/^["']?([\w.-]+)["']?[ \t]*:(?=\s|$)/gm)].map(([, key = ""]) => key);
  return keys.some((key) => !topLevelSettings.includes(key)) && !keys.some((key) => ownSettings.includes(plain(key)));
}

function plain(key: string): string {
  return key.toLowerCase().replaceAll(/[_-]/g, "");
}

function textOf(path: string): string {
  try {
    return readRegularFile(path) ?? "";
  } catch {
    return "";
  }
}
