import type { NewId } from "../core/ids.js";
import type { Observe, ToolHub } from "../core/ports.js";
import type { Sessions } from "../session/sessions.js";

/** What every front door gets of the app. */
export interface DoorParts {
  sessions: Sessions;
  hub: ToolHub;
  /** The provider and model that a request naming this model would use, and for people how it is spoken to and why. Throws when there is no such provider. */
  resolveModel: (model?: string) => { provider: string; model: string; wire?: string };
  /** Reads the configuration files again and goes over to their servers. Resolves to what came of it, as text. */
  reload: () => Promise<string>;
  /**
   * Logs in at a remote server, in the browser that `showPage` brings the page to. Resolves to what came of it. Rejects with McpError,
   * and with RequestError for a name that has nothing to log in to.
   */
  login: (name: string, showPage: (page: URL) => void) => Promise<string>;
  /** Gets what a door has to log. */
  observe?: Observe;
  /** What no export of a conversation may hold. */
  secrets: () => readonly string[];
  /** What has to be written out before the process leaves after SIGTERM, once no turn runs any more. It may take a second. */
  onLeaving?: (flush: () => Promise<void>) => void;
  /** What is measured, in the text format of Prometheus, where it is. */
  scrape?: (() => Promise<{ contentType: string; text: string }>) | undefined;
  newId: NewId;
  /** Milliseconds since the epoch. */
  now: () => number;
}

/** Calls the listener at every Ctrl-C (SIGINT) of the process until the returned function is called. */
export type OnInterrupt = (listener: () => void) => () => void;
