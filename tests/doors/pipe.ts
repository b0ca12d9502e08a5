import { PassThrough } from "node:stream";
import { runStdio } from "../../src/doors/lines/stdio.js";
import type { App } from "../../src/index.js";
import { readMessage } from "../support/wire-messages.js";
import { doorParts, interrupts, Sink } from "./support.js";

/** Opens the JSON lines door of this app. */
export function openPipe(app: App, stdout = new Sink()) {
  const stdin = new PassThrough();
  const { onInterrupt, interrupt } = interrupts();
  const exitCode = runStdio(doorParts(app), { stdin, stdout, onInterrupt });
  const messages = () => stdout.text.split("\n").slice(0, -1).map(readMessage);
  return {
    exitCode,
    stdout,
    interrupt,
    messages,
    of: (requestId: string | null) => messages().filter((message) => message.request_id === requestId),
    send: (message: unknown) =>
      void stdin.write(typeof message === "string" ? message : `${JSON.stringify(message)}\n`),
    /** Returns the number of sent bytes that the host has not read. */
    unread: () => stdin.writableLength + stdin.readableLength,
    end: () => {
      stdin.end();
      return exitCode;
    },
  };
}

export const chat = (requestId: string, text = "hi", more: object = {}, payload: object = {}) => ({
  action: "chat",
  request_id: requestId,
  payload: { text, ...payload },
  ...more,
});
