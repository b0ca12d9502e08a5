import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestId } from "@modelcontextprotocol/sdk/types.js";
import type { McpServeConfig } from "../../core/config.js";
import type { PromptOptions } from "../../session/shared/prompt-options.js";
import { type RuleDefaults, rulesOf } from "../../session/shared/rules.js";
import type { DoorParts } from "../shared/door.js";

/** The rules that decide about the requests of a client. */
export type ClientRules = ReturnType<typeof rulesOf>;

export interface McpParts extends DoorParts {
  version: string;
  serve: McpServeConfig;
  /** Rules about tools: `given` has the rules from the flags of the command line, `defaults` returns the rules of the configuration. */
  given: Pick<PromptOptions, "approval" | "allow" | "deny">;
  defaults: () => RuleDefaults;
}

/** The cancelled `chat` calls whose turns have not ended. Each promise resolves when the log has the cancellation, and rejects with StoreError. */
export type TurnCancels = Map<RequestId, Promise<unknown>>;

/** Parts that the handlers of one client's requests share. */
export interface McpConnectionParts {
  host: McpParts;
  server: Server;
  /** Ids of the open questions that this client was asked. If a request is repeated, its questions are not asked again. */
  asked: Set<string>;
  cancels: TurnCancels;
  /**
   * Returns the rules that now decide whether the client may call a tool or read a resource, or whether the user must be asked first. Every
   * request gets them anew, because the configuration may have changed since the last one.
   */
  rules: () => ClientRules;
}

/**
 * Returns the function `rules` of one client. Answers that the user gives through the client hold as long as the client is connected. Stored
 * answers hold too.
 */
export function rulesOfClient({ given, defaults, sessions }: McpParts): McpConnectionParts["rules"] {
  const answers = sessions.approvals();
  return () => rulesOf(given, defaults(), answers);
}
