import type { ContentPart } from "../core/chat.js";
import { RequestError } from "../core/errors.js";
import type { ToolHub } from "../core/ports.js";
import type { Session } from "./session.js";
import type { Sessions } from "./sessions.js";

/** Action that a slash command asks of its front door. */
export type CommandOutcome =
  | { type: "text"; text: string }
  | { type: "prompt"; content: ContentPart[] }
  | { type: "clear" }
  | { type: "resume"; conversationId: string }
  /** Text to write to a new file. */
  | { type: "save"; file: string; text: string }
  | { type: "model"; model: string }
  | { type: "exit" };

export interface CommandScope {
  hub: ToolHub;
  session: Session;
  sessions: Sessions;
  /** Resolves the model of the next turn, with its wire for display. Throws for an unknown provider. */
  resolveModel: (model?: string) => { provider: string; model: string; wire?: string };
  /** Reads the configuration again; resolves to a report. */
  reload: () => Promise<string>;
  /** Last choice by `/model`. */
  model?: string;
  /** Commands of this front door; default: all. */
  commands?: readonly SlashCommand[];
  help?: string;
  /** Texts that no export may contain. */
  secrets?: readonly string[];
  /** Returns the rules for tool calls and the remembered answers. */
  permissions?: () => string;
  signal: AbortSignal;
}

export interface SlashCommand {
  name: string;
  alias?: string;
  /** Usage text after the name, for the help. */
  parameters: string;
  /** Kind of its arguments, for completion. */
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
