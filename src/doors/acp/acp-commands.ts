import type { AvailableCommand } from "@agentclientprotocol/sdk";
import { isSlashCommand, slashCommands } from "../../session/commands/commands.js";

/** Slash commands that ACP clients are not offered, because these clients have their own. */
const clients = new Set(["exit", "clear", "resume", "export", "permissions"]);
export const commands = slashCommands.filter(({ name }) => !clients.has(name));

export const availableCommands: AvailableCommand[] = commands.map(({ name, parameters, description }) => ({
  name,
  description,
  ...(parameters && { input: { hint: parameters } }),
}));

/** Returns true for a known command such as `/tools`. Any other text that begins with a slash, such as `/usr/bin is empty`, is a prompt. */
export function isCommand(text: string): boolean {
  const name = /^\/(\S+)/.exec(text)?.[1];
  return isSlashCommand(text) && commands.some((command) => command.name === name);
}
