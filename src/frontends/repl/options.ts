import type { PromptRequest } from "../../session/session.js";
import type { OnInterrupt } from "../door.js";
import type { Colors } from "../terminal.js";
import type { Terminal } from "./editor.js";
import type { Greeting } from "./greeting.js";

/** Without a conversation id a new conversation begins. */
export interface ReplOptions extends Omit<PromptRequest, "requestId" | "text" | "content">, Greeting {
  toolNotifications: boolean;
  /** Default: nothing of it is known. */
  host?: ChatHost;
}

/** What a chat shows of its host, and where it keeps things, beside the parts of every front door. */
export interface ChatHost {
  /** Those that can be used, as `provider/model`. */
  models?: () => readonly string[];
  /** Of the model, in tokens. */
  contextWindow?: (model?: string) => number;
  /** What was entered at the prompt is kept here. */
  historyFile?: string;
  /** Where relative paths begin. Default: the working directory. */
  folder?: string;
  /** What no export may hold. */
  secrets?: readonly string[];
  /** The rules about tool calls and the answers that are kept, as text. */
  permissions?: () => string;
}

export interface ReplTerminal extends Terminal {
  /** Its `isColorSupported` also decides about rendered Markdown and all that is painted while a turn runs. */
  colors: Colors;
  onInterrupt: OnInterrupt;
  /** Lines about the host while the chat goes on, as of a server that has failed. */
  onNotice?: (listener: (line: string) => void) => () => void;
}
