import type { StopReason as AcpStopReason } from "@agentclientprotocol/sdk";
import type { StopReason } from "../../core/chat.js";

/**
 * Returns ACP's stop reason. ACP has only `max_turn_requests` for limits other than `max_tokens`. A failed turn is reported as the error of
 * the request, not by its stop reason.
 */
export function stopReasonOf(reason: StopReason): AcpStopReason {
  if (reason === "max_tool_hops" || reason === "budget") return "max_turn_requests";
  return reason === "error" ? "end_turn" : reason;
}
