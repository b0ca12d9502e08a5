import type { ToolHub } from "../../../core/ports.js";
import type { SlashCommand } from "../../../session/commands/slash-command.js";
import type { Sessions } from "../../../session/sessions.js";
import { pathChoices } from "./path-choices.js";

export interface CompletionParts {
  hub: ToolHub;
  sessions: Sessions;
  /** Returns the names of the usable models, as `provider/model`. */
  models: () => readonly string[];
  /** Folder to which relative paths refer. */
  folder: string;
}

/** Time limit for proposals of a server. A slower answer does not help while typing. */
const serverTimeoutMs = 1500;
const maxConversations = 50;

/** Returns candidates for one word of a slash command. `before` is the text of the command before the word. */
export async function argumentChoices(
  { argument }: SlashCommand,
  before: string,
  word: string,
  { hub, sessions, models, folder }: CompletionParts,
): Promise<string[]> {
  const [, prompt] = before.trim().split(/\s+/);
  switch (argument) {
    case "prompt":
      if (prompt === undefined) return hub.prompts().map(({ name }) => `${name} `);
      return promptArguments(hub, prompt, word);
    case "resource":
      return [...hub.resources().map(({ uri }) => uri), ...(await templateChoices(hub, word))];
    case "model":
      return [...models()];
    case "conversation":
      return (await sessions.list({ most: maxConversations })).conversations.map(
        ({ conversationId }) => conversationId,
      );
    case "file":
      return pathChoices(word, folder);
    default:
      return [];
  }
}

async function promptArguments(hub: ToolHub, prompt: string, word: string): Promise<string[]> {
  const [name = "", ...value] = word.split("=");
  if (value.length === 0) {
    const known = hub.prompts().find((each) => each.name === prompt)?.arguments ?? [];
    return known.map((argument) => `${argument.name}=`);
  }
  const begun = value.join("=").replaceAll('"', "");
  const values = await proposed(hub, { prompt }, { name, value: begun });
  return values
    .filter((each) => !each.includes('"'))
    .map((each) => `${name}=${/\s/.test(each) || value[0]?.startsWith('"') ? `"${each}"` : each} `);
}

/**
 * Returns candidates for URI templates. A candidate is the text of a template before its first variable. If the word already begins with
 * that text, the candidates are that text followed by each value that the server proposes for the variable.
 */
async function templateChoices(hub: ToolHub, word: string): Promise<string[]> {
  const choices = hub.mcpResults.templates().map(async ({ uriTemplate }) => {
    const [, fixed = "", variable, rest = ""] = /^([^{]*)\{\+?(\w+)\}(.*)$/.exec(uriTemplate) ?? [];
    if (variable === undefined || !word.startsWith(fixed)) return [fixed];
    const values = await proposed(hub, { template: uriTemplate }, { name: variable, value: word.slice(fixed.length) });
    const next = rest.split("{", 1)[0] ?? "";
    return values.map((value) => fixed + value + next);
  });
  return (await Promise.all(choices)).flat().filter(Boolean);
}

/** Returns the values that a server proposes for an argument. Empty if the server proposes nothing or does not answer in time. */
function proposed(
  hub: ToolHub,
  of: { prompt: string } | { template: string },
  argument: { name: string; value: string },
): Promise<string[]> {
  return hub.mcpResults.complete(of, argument, AbortSignal.timeout(serverTimeoutMs)).catch(() => []);
}
