import { mkdirSync } from "node:fs";
import { parse, resolve, sep } from "node:path";
import type { StdioServerConfig } from "../../core/config.js";

type Start = Pick<StdioServerConfig, "command" | "args" | "cwd">;

/**
 * Returns the program, the arguments and the folder for the start of the server's process. If the process gets a folder of its own, creates
 * that folder. Relative paths in the command and arguments then become absolute, because they refer to the working folder.
 */
export function startOf({ command, args, cwd, folders }: Start & Pick<StdioServerConfig, "folders">): Start {
  if (cwd !== undefined || folders === undefined) return { command, args, cwd };
  const { own, working } = folders;
  return {
    command: /[/\\]/.test(command) ? resolve(working, command) : command,
    // The argument is not normalized: it may be a whole command that contains an address, whose `//` would become `/`.
    args: args.map((arg) => (arg === "." ? working : /^\.{1,2}(?:$|[/\\])/.test(arg) ? `${working}${sep}${arg}` : arg)),
    cwd: made(own) ?? parse(working).root,
  };
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
