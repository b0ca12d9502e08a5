import { RequestError } from "../../core/errors.js";
import { partsText } from "../../core/messages.js";
import { nearest } from "../../core/text/nearest.js";
import { promptsText, resourcesText, serversText, toolsText } from "../shared/command-text.js";
import { conversationCommands } from "./conversation-commands.js";
import {
  type CommandOutcome,
  type CommandScope,
  requiredParameter,
  type SlashCommand,
  textParameter,
} from "./slash-command.js";

export const slashCommands: readonly SlashCommand[] = [
  {
    name: "help",
    parameters: "",
    description: "show the commands",
    run: (_words, { commands = slashCommands, help }) =>
      textParameter([helpText(commands), ...(help ? [help] : [])].join("\n\n")),
  },
  {
    name: "tools",
    parameters: "",
    description: "list the tools that the model can use",
    run: (_words, { hub }) => textParameter(toolsText(hub.tools())),
  },
  {
    name: "servers",
    parameters: "",
    description: "list the MCP servers with their state",
    run: (_words, { hub }) => textParameter(serversText(hub.servers())),
  },
  {
    name: "reload",
    parameters: "",
    description: "read the configuration files again",
    run: async (_words, { reload }) => textParameter(await reload()),
  },
  {
    name: "prompts",
    parameters: "",
    description: "list the servers' prompts",
    run: (_words, { hub }) => textParameter(promptsText(hub.prompts())),
  },
  {
    name: "prompt",
    parameters: "NAME [argument=value…]",
    argument: "prompt",
    description: "send a prompt of a server",
    run: async ([name, ...pairs], { hub, signal }) => {
      const prompt = requiredParameter(name, "/prompt NAME [argument=value…]");
      return { type: "prompt", content: await hub.applyPrompt(prompt, readPairs(pairs), signal) };
    },
  },
  {
    name: "resources",
    parameters: "",
    description: "list the servers' resources",
    run: (_words, { hub }) => textParameter(resourcesText(hub.resources())),
  },
  {
    name: "resource",
    parameters: "URI",
    argument: "resource",
    description: "show a resource",
    run: async ([uri], { hub, signal }) =>
      textParameter(partsText(await hub.readResource(requiredParameter(uri, "/resource URI"), signal))),
  },
  ...conversationCommands,
  {
    name: "model",
    parameters: "[[PROVIDER/]MODEL]",
    argument: "model",
    description: "show or choose the model",
    run: ([chosen], { resolveModel, model }) => {
      const resolved = resolveModel(chosen ?? model);
      if (chosen) return { type: "model", model: chosen };
      const wire = resolved.wire === undefined ? "" : ` (wire: ${resolved.wire})`;
      return textParameter(`${resolved.provider}/${resolved.model}${wire}`);
    },
  },
  {
    name: "permissions",
    parameters: "",
    description: "show the rules about tool calls, and the kept answers",
    run: (_words, { permissions }) => textParameter(permissions?.() ?? "this front door does not know the rules"),
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

/**
 * Runs a line such as `/name words…`. Rejects with RequestError if there is no such command or its words are invalid, and with McpError if
 * a server fails.
 */
export async function runSlashCommand(line: string, scope: CommandScope): Promise<CommandOutcome> {
  const [name = "", ...words] = splitWords(line.slice(1));
  const command = slashCommands.find((known) => known.name === name || known.alias === name);
  if (command) return command.run(words, scope);
  const names = slashCommands.flatMap((known) => [known.name, ...(known.alias ? [known.alias] : [])]);
  const meant = names.find((known) => name !== "" && known.startsWith(name)) ?? nearest(name, names, 1)[0];
  throw new RequestError("usage", `there is no command /${name}`, {
    hint: meant ? `did you mean /${meant}?` : "/help shows the commands",
  });
}

/** Splits a line into words at its spaces. Quotes keep spaces within a word, as in `topic="two words"`. */
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

function helpText(commands: readonly SlashCommand[]): string {
  return commands
    .map(({ name, parameters, description }) => `${`/${name} ${parameters}`.padEnd(32)} ${description}`)
    .join("\n");
}
