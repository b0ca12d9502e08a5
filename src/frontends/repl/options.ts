import type { PromptRequest } from "../../session/session.js";
import type { OnInterrupt } from "../door.js";
import type { Colors } from "../terminal.js";
import type { Terminal } from "./editor.js";
import type { Greeting } from "./greeting.js";

/** Options of a chat. Without a conversation id a new conversation begins. */
export interface ReplOptions extends Omit<PromptRequest, "requestId" | "text" | "content">, Greeting {
  toolNotifications: boolean;
  /** Default: no facts about the host. */
  host?: ChatHost;
}

/** Facts and places of the host that only a chat needs, in addition to `DoorParts`. */
export interface ChatHost {
  /** Returns the usable models as `provider/model`. */
  models?: () => readonly string[];
  /** Returns the model's context window, in tokens. */
  contextWindow?: (model?: string) => number;
  historyFile?: string;
  /** Base of relative paths. Default: the working directory. */
  folder?: string;
  /** Secrets that no export may contain. */
  secrets?: readonly string[];
  /** Returns the rules about tool calls and the stored answers, as text. */
  permissions?: () => string;
}

export interface ReplTerminal extends Terminal {
  /** `isColorSupported` also enables rendered Markdown and the status line of a turn. */
  colors: Colors;
  onInterrupt: OnInterrupt;
  /** Subscribes to lines about the host during the chat, such as a failed server. */
  onNotice?: (listener: (line: string) => void) => () => void;
}
