import type { StopReason as AcpStopReason } from "@agentclientprotocol/sdk";
import type { StopReason } from "../../core/chat.js";

/** ACP has one word for every limit but the answer's own. An error is none: it is the answer to the request. */
export function stopReasonOf(reason: StopReason): AcpStopReason {
  if (reason === "max_tool_hops" || reason === "budget") return "max_turn_requests";
  return reason === "error" ? "end_turn" : reason;
}
