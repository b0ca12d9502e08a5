import { mkdirSync } from "node:fs";
import { parse, resolve, sep } from "node:path";
import type { StdioServerConfig } from "../../core/config.js";

/**
 * Returns the command and the arguments of the server's process. If the process starts in a folder of its own, relative paths in them are
 * made absolute, because they refer to the working folder.
 */
export function commandLineOf({
  command,
  args,
  cwd,
  folders,
}: Pick<StdioServerConfig, "command" | "args" | "cwd" | "folders">): Pick<StdioServerConfig, "command" | "args"> {
  if (cwd !== undefined || folders === undefined) return { command, args };
  const { working } = folders;
  return {
    command: /[/\\]/.test(command) ? resolve(working, command) : command,
    // The argument is not normalized: it may be a whole command that contains an address, whose `//` would become `/`.
    args: args.map((arg) => (arg === "." ? working : /^\.{1,2}(?:$|[/\\])/.test(arg) ? `${working}${sep}${arg}` : arg)),
  };
}

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
