import type { WireName } from "../../core/config.js";
import { chatWire } from "./chat/chat-wire.js";
import { geminiWire } from "./gemini/gemini-wire.js";
import { messages } from "./messages/messages-wire.js";
import { responses } from "./responses/responses-wire.js";
import type { Wire } from "./wire.js";

/** All wires of the host. This table is the only place where a new wire must be added. */
const wires: Readonly<Record<WireName, Wire>> = { chat: chatWire, gemini: geminiWire, messages, responses };

export function wireOf(name: WireName): Wire {
  return wires[name];
}
