import type { WireName } from "../../core/config.js";
import { chat } from "./chat/chat.js";
import { messages } from "./messages/messages.js";
import { responses } from "./responses/responses.js";
import type { Wire } from "./wire.js";

/** Every wire that the host speaks. A wire is added here, and nowhere else. */
const WIRES: Readonly<Partial<Record<WireName, Wire>>> = { chat, messages, responses };

/** The wire of that name. One that is not built yet is `chat`. */
export function wireOf(name: WireName): Wire {
  return WIRES[name] ?? chat;
}
