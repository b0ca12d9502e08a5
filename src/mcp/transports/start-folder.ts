import { mkdirSync } from "node:fs";
import { parse } from "node:path";
import type { StdioServerConfig } from "../../core/config.js";
import { commandLineOf } from "../shared/command-line.js";

type Start = Pick<StdioServerConfig, "command" | "args" | "cwd">;

/**
 * Returns the program, the arguments and the folder for the start of the server's process. If the process gets a folder of its own, creates
 * that folder.
 */
export function startOf(config: Start & Pick<StdioServerConfig, "folders">): Start {
  const { cwd, folders } = config;
  const start = commandLineOf(config);
  if (cwd !== undefined || folders === undefined) return { ...start, cwd };
  return { ...start, cwd: made(folders.own) ?? parse(folders.working).root };
}

/** Creates the folder if it is missing. Returns undefined if it cannot be created, for example on a read-only disk. */
function made(folder: string): string | undefined {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  } catch {
    return undefined;
  }
}
