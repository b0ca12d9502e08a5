import type { AvailableCommand } from "@agentclientprotocol/sdk";
import { isSlashCommand, slashCommands } from "../../session/commands.js";

/** Commands that clients provide themselves. */
const clients = new Set(["exit", "clear", "resume", "export", "permissions"]);
export const commands = slashCommands.filter(({ name }) => !clients.has(name));

export const availableCommands: AvailableCommand[] = commands.map(({ name, parameters, description }) => ({
  name,
  description,
  ...(parameters && { input: { hint: parameters } }),
}));

/** Returns true for `/tools`, but not for `/usr/bin is empty`: an unknown command is a prompt. */
export function isCommand(text: string): boolean {
  const name = /^\/(\S+)/.exec(text)?.[1];
  return isSlashCommand(text) && commands.some((command) => command.name === name);
}
