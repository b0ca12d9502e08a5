import type { Readable, Writable } from "node:stream";
import type { NewId } from "../../core/ids.js";
import type { ChoosableModels, FoundModel } from "../../core/messages.js";
import type { Observe, ToolHub } from "../../core/ports.js";
import type { HostSettings, ServerSettings } from "../../core/server-settings.js";
import type { ListedApproval } from "../../session/commands/approvals-text.js";
import type { Sessions } from "../../session/sessions.js";

export interface DoorParts {
  sessions: Sessions;
  hub: ToolHub;
  /** Returns the provider and model that a request with this model name would use. Throws if no provider fits the name. */
  resolveModel: (model?: string) => FoundModel;
  /** Resolves with the models that a person can choose, which the providers are asked for. */
  choosableModels: () => Promise<ChoosableModels>;
  /** The user's stored answers about tools. `forget` returns the deleted ones. Undefined if the door does not show them. */
  approvals?: {
    list(): readonly (ListedApproval & { id: string })[];
    forget(isMeant: (answer: { id: string }) => boolean): readonly unknown[];
  };
  /** Settings that a person chooses. Undefined if the host has no configuration file that it may change. */
  settings?: HostSettings;
  /** The servers of the configuration. Undefined if the host has no configuration file that it may change. */
  serverSettings?: ServerSettings;
  /** Reads the configuration files again and applies changes to the servers. Resolves to a report as text. */
  reload: () => Promise<string>;
  /**
   * Logs in at a remote server. `showPage` is called with the login page, to open it in a browser. Resolves to a report as text. Rejects
   * with McpError, or with RequestError if the named server needs no login.
   */
  login: (name: string, showPage: (page: URL) => void) => Promise<string>;
  observe?: Observe;
  /** Secrets that no export of a conversation may contain. */
  secrets: () => readonly string[];
  /**
   * Registers a function that is called after SIGTERM, when no turn runs any more and before the process exits. The function may take one
   * second.
   */
  onLeaving?: (flush: () => Promise<void>) => void;
  /** Resolves to the metrics in Prometheus's text format. Undefined if no metrics are collected. */
  scrape?: (() => Promise<{ contentType: string; text: string }>) | undefined;
  newId: NewId;
  /** Returns the current time in milliseconds since the epoch. */
  now: () => number;
}

/** Subscribes to every Ctrl-C (SIGINT) of the process. The returned function unsubscribes. */
export type OnInterrupt = (listener: () => void) => () => void;

/** Standard input and output, for a front door that speaks a protocol over them. */
export interface Pipe {
  stdin: Readable;
  /** Stream for protocol messages. Nothing else is written to it. */
  stdout: Writable;
  onInterrupt: OnInterrupt;
}
