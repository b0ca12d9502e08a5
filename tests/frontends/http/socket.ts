import { once } from "node:events";
import { WebSocket } from "ws";
import { type Message, readMessage } from "../../support/wire-messages.js";

export interface Socket extends AsyncDisposable {
  socket: WebSocket;
  messages: Message[];
  send(message: unknown): void;
  /** The first message after the one that the last call gave for which this holds. One caller at a time. */
  until(holds: (message: Message) => boolean): Promise<Message>;
}

export async function connect(door: { url: string }, query = ""): Promise<Socket> {
  const socket = new WebSocket(`${door.url.replace("http", "ws")}/ws/chat${query}`);
  const messages: Message[] = [];
  let changed = () => {};
  socket.on("message", (data) => {
    messages.push(readMessage(data.toString()));
    changed();
  });
  await once(socket, "open");
  let seen = 0;
  return {
    socket,
    messages,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    async until(holds) {
      for (;;) {
        for (let message = messages[seen++]; message; message = messages[seen++]) if (holds(message)) return message;
        seen--;
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      socket.terminate();
    },
  };
}

/** The HTTP status that the upgrade was answered with. */
export async function refusedStatus(url: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  const socket = new WebSocket(url, { headers });
  socket.on("error", () => {});
  const [, response] = await once(socket, "unexpected-response");
  socket.terminate();
  return response.statusCode;
}
