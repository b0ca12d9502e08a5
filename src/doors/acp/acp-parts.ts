import type { SessionHub } from "../../core/ports.js";
import type { Session } from "../../session/session.js";
import type { DoorParts } from "../shared/door.js";
import type { ModeId } from "./choices.js";

export interface AcpParts extends DoorParts {
  version: string;
  approval: () => ModeId;
  /** Returns the models as `provider/model`. The default model comes first. */
  models: () => readonly string[];
  /** Returns the context window of a model, in tokens. Without `model`, returns the context window of the default model. */
  contextWindow: (model?: string) => number;
  /**
   * Returns a hub (all servers as one list of tools) for one session: with the servers of the host and of the client. Throws ConfigError.
   */
  extendHub: (mcpServers: Record<string, object>, session: Session) => SessionHub;
}
