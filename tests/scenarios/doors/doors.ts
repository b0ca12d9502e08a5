import { acp } from "./acp.js";
import type { Door } from "./door.js";
import { chatCompletions, http, messages, responses } from "./http.js";
import { library } from "./library.js";
import { mcp } from "./mcp.js";
import { pipe, socket } from "./messages.js";
import { chat, run } from "./terminal.js";

/** Every front door of the host. */
export const doors: readonly Door[] = [
  pipe,
  socket,
  http,
  chatCompletions,
  responses,
  messages,
  acp,
  mcp,
  chat,
  run("text"),
  run("json"),
  run("stream-json"),
  library,
];
