import { resolve, sep } from "node:path";
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
