import type { NewId } from "../core/ids.js";
import type { Observe, ToolHub } from "../core/ports.js";
import type { Sessions } from "../session/sessions.js";

/** Parts of the app that every front door gets. */
export interface DoorParts {
  sessions: Sessions;
  hub: ToolHub;
  /**
   * Returns the provider and model that a request with this model name would use; `wire` explains the API for people. Throws when there is
   * no such provider.
   */
  resolveModel: (model?: string) => { provider: string; model: string; wire?: string };
  /** Reads the configuration files again and applies their servers. Resolves to a report as text. */
  reload: () => Promise<string>;
  /**
   * Logs in at a remote server; `showPage` opens the page in a browser. Resolves to a report as text. Rejects with McpError, and with
   * RequestError for a name that needs no login.
   */
  login: (name: string, showPage: (page: URL) => void) => Promise<string>;
  observe?: Observe;
  /** Secrets that no export of a conversation may contain. */
  secrets: () => readonly string[];
  /** Registers a flush to run after SIGTERM, once no turn runs any more and before the process exits. It may take a second. */
  onLeaving?: (flush: () => Promise<void>) => void;
  /** Returns the metrics in Prometheus's text format. Undefined if none are collected. */
  scrape?: (() => Promise<{ contentType: string; text: string }>) | undefined;
  newId: NewId;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Calls the listener at every Ctrl-C (SIGINT) of the process. The returned function unsubscribes. */
export type OnInterrupt = (listener: () => void) => () => void;
