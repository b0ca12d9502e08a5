import { RequestError } from "../../core/errors.js";
import type { ContentPart } from "../../core/messages.js";
import type { ToolHub } from "../../core/ports.js";
import type { Session } from "../session.js";
import type { Sessions } from "../sessions.js";

/** The result of a slash command. The front door must carry it out. */
export type CommandOutcome =
  | { type: "text"; text: string }
  | { type: "prompt"; content: ContentPart[] }
  | { type: "clear" }
  | { type: "resume"; conversationId: string }
  /** Asks the front door to write the text to a new file. */
  | { type: "save"; file: string; pieces: AsyncIterable<string> }
  | { type: "model"; model: string }
  | { type: "exit" };

export interface CommandScope {
  hub: ToolHub;
  session: Session;
  sessions: Sessions;
  /** Returns the provider and model that the next turn would use. `wire` is only for display. Throws if the provider is unknown. */
  resolveModel: (model?: string) => { provider: string; model: string; wire?: string };
  /** Reads the configuration again. Resolves with a report for the user. */
  reload: () => Promise<string>;
  /** The model that the user chose last with `/model`. */
  model?: string;
  /** The commands that the front door offers. Default: all. */
  commands?: readonly SlashCommand[];
  help?: string;
  secrets?: readonly string[];
  /** Returns a text that lists the rules for tool calls and the remembered answers. */
  permissions?: () => string;
  signal: AbortSignal;
}

export interface SlashCommand {
  name: string;
  alias?: string;
  /** Parameters of the command. The help shows this text after the command's name. */
  parameters: string;
  /** Kind of values that the Tab key offers for the command's parameters. */
  argument?: "prompt" | "resource" | "model" | "conversation" | "file";
  description: string;
  run: (words: readonly string[], scope: CommandScope) => CommandOutcome | Promise<CommandOutcome>;
}

export function requiredParameter(word: string | undefined, usage: string): string {
  if (word === undefined) throw new RequestError("usage", `usage: ${usage}`);
  return word;
}

export function textParameter(content: string): CommandOutcome {
  return { type: "text", text: content };
}
