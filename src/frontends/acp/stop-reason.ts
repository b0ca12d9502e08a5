import type { StopReason as AcpStopReason } from "@agentclientprotocol/sdk";
import type { StopReason } from "../../core/chat.js";

/**
 * Maps every limit but max_tokens to `max_turn_requests`, ACP's only word for them. An error becomes the error of the request, not a stop
 * reason.
 */
export function stopReasonOf(reason: StopReason): AcpStopReason {
  if (reason === "max_tool_hops" || reason === "budget") return "max_turn_requests";
  return reason === "error" ? "end_turn" : reason;
}
