import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { McpServeConfig } from "../../core/config.js";
import type { Passage } from "../../core/ports.js";
import type { RuleDefaults } from "../../session/rules.js";
import type { TurnOptions } from "../../session/turn-options.js";
import type { DoorParts } from "../shared/door.js";

/** What the front door for MCP clients needs of the host. */
export interface McpParts extends DoorParts {
  version: string;
  serve: McpServeConfig;
  /** Rules about tools from the flags of the command line. `defaults` returns the rules of the configuration. */
  said: Pick<TurnOptions, "approval" | "allow" | "deny">;
  defaults: () => RuleDefaults;
  passage: Passage;
}

/** The parts of the server for one client. */
export interface McpConnectionParts {
  host: McpParts;
  server: Server;
  /** Ids of the open questions that this client was asked. If a request is repeated, its questions are not asked again. */
  asked: Set<string>;
}
