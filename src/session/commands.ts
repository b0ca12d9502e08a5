import type { ContentPart } from "../core/chat.js";
import { RequestError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import type { ToolHub } from "../core/ports.js";
import { withoutRewound } from "../history/rewind.js";
import { historyText, partsText, promptsText, resourcesText, serversText, toolsText } from "./command-text.js";
import type { Session } from "./session.js";

/** What a slash command wants of its front door. */
export type CommandOutcome =
  | { type: "text"; text: string }
  | { type: "prompt"; content: ContentPart[] }
  | { type: "clear" }
  | { type: "model"; model: string }
  | { type: "exit" };

export interface CommandScope {
  hub: ToolHub;
  session: Session;
  /** The model of the next turn. Throws when there is no such provider. */
  resolveModel: (model?: string) => { provider: string; model: string };
  /** Reads the configuration again; resolves to what came of it. */
  reload: () => Promise<string>;
  /** What `/model` has chosen before. */
  model?: string;
  /** Those that the front door has; default: all. */
  commands?: readonly SlashCommand[];
  signal: AbortSignal;
}

export interface SlashCommand {
  name: string;
  /** What follows the name, as help shows it. */
  parameters: string;
  description: string;
  run: (words: readonly string[], scope: CommandScope) => CommandOutcome | Promise<CommandOutcome>;
}

/** The commands of every front door with a person behind it. */
export const slashCommands: readonly SlashCommand[] = [
  {
    name: "help",
    parameters: "",
    description: "show the commands",
    run: (_words, { commands = slashCommands }) => text(helpText(commands)),
  },
  {
    name: "tools",
    parameters: "",
    description: "the tools that the model can use",
    run: (_words, { hub }) => text(toolsText(hub.tools())),
  },
  {
    name: "servers",
    parameters: "",
    description: "the MCP servers and their state",
    run: (_words, { hub }) => text(serversText(hub.servers())),
  },
  {
    name: "reload",
    parameters: "",
    description: "read mcpServers again",
    run: async (_words, { reload }) => text(await reload()),
  },
  {
    name: "prompts",
    parameters: "",
    description: "the servers' prompts",
    run: (_words, { hub }) => text(promptsText(hub.prompts())),
  },
  {
    name: "prompt",
    parameters: "NAME [argument=value…]",
    description: "send a server's prompt",
    run: async ([name, ...pairs], { hub, signal }) => {
      const prompt = required(name, "/prompt NAME [argument=value…]");
      return { type: "prompt", content: await hub.applyPrompt(prompt, readPairs(pairs), signal) };
    },
  },
  {
    name: "resources",
    parameters: "",
    description: "the servers' resources",
    run: (_words, { hub }) => text(resourcesText(hub.resources())),
  },
  {
    name: "resource",
    parameters: "URI",
    description: "read a resource",
    run: async ([uri], { hub, signal }) =>
      text(partsText(await hub.readResource(required(uri, "/resource URI"), signal))),
  },
  {
    name: "clear",
    parameters: "",
    description: "start a new conversation",
    run: () => ({ type: "clear" }),
  },
  {
    name: "model",
    parameters: "[[PROVIDER/]MODEL]",
    description: "show or choose the model",
    run: ([chosen], { resolveModel, model }) => {
      const resolved = resolveModel(chosen ?? model);
      return chosen ? { type: "model", model: chosen } : text(`${resolved.provider}/${resolved.model}`);
    },
  },
  {
    name: "history",
    parameters: "",
    description: "this conversation so far",
    run: async (_words, { session }) => text(historyText(withoutRewound(await session.history()))),
  },
  {
    name: "rewind",
    parameters: "[N]",
    description: "take the last turn back, or the last N",
    run: async ([count = "1"], { session }) => {
      const turns = /^[1-9]\d{0,8}$/.test(count) ? Number(count) : undefined;
      if (turns === undefined) throw new RequestError("usage", "usage: /rewind [N]");
      await session.rewind({ turns });
      return text(historyText(withoutRewound(await session.history())));
    },
  },
  {
    name: "compact",
    parameters: "",
    description: "summarise the conversation so far, at the next message",
    run: (_words, { session }) => {
      session.compactNext();
      return text("the next message is sent with a summary of what was said before");
    },
  },
  {
    name: "exit",
    parameters: "",
    description: "leave",
    run: () => ({ type: "exit" }),
  },
];

export function isSlashCommand(line: string): boolean {
  return line.startsWith("/");
}

/** Runs `/name words…`. Throws RequestError for a command that cannot be carried out as it is, McpError from the servers. */
export async function runSlashCommand(line: string, scope: CommandScope): Promise<CommandOutcome> {
  const [name = "", ...words] = splitWords(line.slice(1));
  const command = slashCommands.find((known) => known.name === name);
  if (command) return command.run(words, scope);
  const names = slashCommands.map((known) => known.name);
  const meant = names.find((known) => name !== "" && known.startsWith(name)) ?? nearest(name, names, 1)[0];
  throw new RequestError("usage", `there is no command /${name}`, {
    hint: meant ? `did you mean /${meant}?` : "/help shows the commands",
  });
}

/** Words apart by spaces; quotes keep spaces in a word, as in `topic="two words"`. */
function splitWords(line: string): string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|[^\s"']|["'])+/g) ?? [];
  return words.map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}

function readPairs(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const end = pair.indexOf("=");
      if (end < 1) throw new RequestError("usage", `"${pair}" is not argument=value`);
      return [pair.slice(0, end), pair.slice(end + 1)];
    }),
  );
}

function required(word: string | undefined, usage: string): string {
  if (word === undefined) throw new RequestError("usage", `usage: ${usage}`);
  return word;
}

function helpText(commands: readonly SlashCommand[]): string {
  return commands
    .map(({ name, parameters, description }) => `${`/${name} ${parameters}`.padEnd(32)} ${description}`)
    .join("\n");
}

function text(content: string): CommandOutcome {
  return { type: "text", text: content };
}
