import type { PromptRequest } from "../../session/shared/prompt-options.js";
import type { OnInterrupt } from "../shared/door.js";
import type { Colors } from "../shared/terminal.js";
import type { Terminal } from "./editor/editor.js";
import type { Greeting } from "./greeting.js";

/** Options of a chat. If `conversationId` is undefined, a new conversation begins. */
export interface ReplOptions extends Omit<PromptRequest, "requestId" | "text" | "content">, Greeting {
  toolNotifications: boolean;
  /** First message, which is sent as if the person had typed it. */
  prompt?: string | undefined;
  /** Facts about the host. Default: nothing is known. */
  host?: ChatHost;
}

/** Facts and file locations that only a chat needs, in addition to `DoorParts`. */
export interface ChatHost {
  /** Returns the names of the usable models, as `provider/model`. */
  models?: () => readonly string[];
  /** Returns the context window of a model, in tokens. */
  contextWindow?: (model?: string) => number;
  historyFile?: string;
  /** Folder to which relative paths refer. Default: the working directory. */
  folder?: string;
  /** Secrets that no export of a conversation may contain. */
  secrets?: readonly string[];
  /** Returns the rules about tool calls and the stored approvals, as text. */
  permissions?: () => string;
}

export interface ReplTerminal extends Terminal {
  /** Colours of the output. If `isColorSupported` is true, Markdown is rendered and a status line is shown during a turn. */
  colors: Colors;
  onInterrupt: OnInterrupt;
  /** Subscribes to messages about the host during the chat, such as a server that failed. The returned function unsubscribes. */
  onNotice?: (listener: (line: string) => void) => () => void;
}
