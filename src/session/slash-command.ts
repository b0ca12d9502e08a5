import type { ContentPart } from "../core/chat.js";
import { RequestError } from "../core/errors.js";
import type { ToolHub } from "../core/ports.js";
import type { Session } from "./session.js";
import type { Sessions } from "./sessions.js";

/** What a slash command wants of its front door. */
export type CommandOutcome =
  | { type: "text"; text: string }
  | { type: "prompt"; content: ContentPart[] }
  | { type: "clear" }
  | { type: "resume"; conversationId: string }
  /** Text for a new file. */
  | { type: "save"; file: string; text: string }
  | { type: "model"; model: string }
  | { type: "exit" };

export interface CommandScope {
  hub: ToolHub;
  session: Session;
  sessions: Sessions;
  /** The model of the next turn, and for people how it is spoken to and why. Throws when there is no such provider. */
  resolveModel: (model?: string) => { provider: string; model: string; wire?: string };
  /** Reads the configuration again; resolves to what came of it. */
  reload: () => Promise<string>;
  /** What `/model` has chosen before. */
  model?: string;
  /** Those that the front door has; default: all. */
  commands?: readonly SlashCommand[];
  /** What the front door adds to the help. */
  help?: string;
  /** What no export may hold. */
  secrets?: readonly string[];
  /** The rules about tool calls and the answers that are kept. */
  permissions?: () => string;
  signal: AbortSignal;
}

export interface SlashCommand {
  name: string;
  /** Another name of it. */
  alias?: string;
  /** What follows the name, as help shows it. */
  parameters: string;
  /** What its words name, for whoever completes them. */
  argument?: "prompt" | "resource" | "model" | "conversation" | "file";
  description: string;
  run: (words: readonly string[], scope: CommandScope) => CommandOutcome | Promise<CommandOutcome>;
}

export function required(word: string | undefined, usage: string): string {
  if (word === undefined) throw new RequestError("usage", `usage: ${usage}`);
  return word;
}

export function text(content: string): CommandOutcome {
  return { type: "text", text: content };
}
