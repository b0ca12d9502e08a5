/**
 * Named events about tools, for clients of OpenAI's API that ask for such events. Each event contains a chunk of this host's own protocol
 * (`stdio`, `/ws/chat`).
 */
import type { TurnEvent } from "../../../core/events.js";
import { TurnEncoder } from "../../protocol/protocol.js";
import type { ApiTurn } from "./api-turn.js";
import type { StreamedEvent } from "./show-turn.js";

/** Returns a function that encodes events as `mcp.tool_call`, `mcp.tool_progress` and `mcp.tool_result`. */
export function toolEvents({ turn, session, model }: ApiTurn): (event: TurnEvent) => StreamedEvent[] {
  const { requestId, turnId, cached } = turn;
  const encoder = new TurnEncoder({ requestId, conversationId: session.id, turnId, cached, model });
  return (event) =>
    encoder.encode(event).flatMap(({ status, chunk }) => {
      const isOfTool = status === "chunk" && chunk.type.startsWith("tool_");
      return isOfTool ? [{ event: `mcp.${chunk.type}`, data: chunk }] : [];
    });
}
