import type { AvailableCommand } from "@agentclientprotocol/sdk";
import { isSlashCommand, slashCommands } from "../../session/commands.js";

/** The client has its own ways to end a session and to begin or load one, and knows of files and rules by itself. */
const clients = new Set(["exit", "clear", "resume", "export", "permissions"]);
/** What this front door has of the commands. */
export const commands = slashCommands.filter(({ name }) => !clients.has(name));

export const availableCommands: AvailableCommand[] = commands.map(({ name, parameters, description }) => ({
  name,
  description,
  ...(parameters && { input: { hint: parameters } }),
}));

/** `/tools`, but not `/usr/bin is empty`: what is no command here is a prompt. */
export function isCommand(text: string): boolean {
  const name = /^\/(\S+)/.exec(text)?.[1];
  return isSlashCommand(text) && commands.some((command) => command.name === name);
}
