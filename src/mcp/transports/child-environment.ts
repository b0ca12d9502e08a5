import { McpError } from "../../core/errors.js";

/**
 * Environment variables that a server's process inherits. They suffice to find programs and the home folder. Other variables, such as keys,
 * are not passed on.
 */
const inherited =
  process.platform === "win32"
    ? [
        "APPDATA",
        "HOMEDRIVE",
        "HOMEPATH",
        "LOCALAPPDATA",
        "PATH",
        "PROCESSOR_ARCHITECTURE",
        "PROGRAMFILES",
        "SYSTEMDRIVE",
        "SYSTEMROOT",
        "TEMP",
        "USERNAME",
        "USERPROFILE",
      ]
    : ["HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER"];

/** Variable that counts the hosts between a server and the host that a person has started, each of which is a server of the one before. */
const depthVariable = "MCP_HOST_DEPTH";
/** Largest number of hosts that start each other. A configuration whose server is a host with the same configuration would have no end. */
const deepest = 4;

/** Returns the environment of a server with these variables of its own. Throws McpError if too many hosts have started each other. */
export function serverEnvironment(own: Readonly<Record<string, string>>): Record<string, string> {
  const depth = (Number(process.env[depthVariable]) || 0) + 1;
  if (depth > deepest) {
    const message = `not started: ${deepest} hosts have started each other, so a configured server seems to be this host itself`;
    throw new McpError("unavailable", message, {
      hint: "Remove the server that starts mcp-platform, or give it a --config of its own.",
    });
  }
  const environment: Record<string, string> = { [depthVariable]: String(depth) };
  for (const name of inherited) {
    const value = process.env[name];
    // A value that starts with "()" is an exported shell function, which could be an attack (Shellshock).
    if (value !== undefined && !value.startsWith("()")) environment[name] = value;
  }
  return { ...environment, ...own };
}
