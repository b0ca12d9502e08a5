import type { ToolHub } from "../../core/ports.js";
import type { Sessions } from "../../session/sessions.js";
import type { SlashCommand } from "../../session/slash-command.js";
import { pathChoices } from "./path-choices.js";

export interface CompletionParts {
  hub: ToolHub;
  sessions: Sessions;
  /** Returns models as `provider/model`. */
  models: () => readonly string[];
  /** Base of relative paths. */
  folder: string;
}

/** Limit for a server's proposals: a slower answer is no help while typing. */
const serverTimeoutMs = 1500;
const maxConversations = 50;

/** Returns candidates for the word of a command that follows `before`. */
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
      return (await sessions.list()).slice(0, maxConversations).map(({ conversationId }) => conversationId);
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

/** Returns the fixed starts of templates, and values for the first variable of the template that was begun. */
async function templateChoices(hub: ToolHub, word: string): Promise<string[]> {
  const choices = hub.templates().map(async ({ uriTemplate }) => {
    const [, fixed = "", variable, rest = ""] = /^([^{]*)\{\+?(\w+)\}(.*)$/.exec(uriTemplate) ?? [];
    if (variable === undefined || !word.startsWith(fixed)) return [fixed];
    const values = await proposed(hub, { template: uriTemplate }, { name: variable, value: word.slice(fixed.length) });
    const next = rest.split("{", 1)[0] ?? "";
    return values.map((value) => fixed + value + next);
  });
  return (await Promise.all(choices)).flat().filter(Boolean);
}

/** Resolves to an empty list if the server proposes nothing or does not answer in time. */
function proposed(
  hub: ToolHub,
  of: { prompt: string } | { template: string },
  argument: { name: string; value: string },
): Promise<string[]> {
  return hub.complete(of, argument, AbortSignal.timeout(serverTimeoutMs)).catch(() => []);
}
