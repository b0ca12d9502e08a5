/** Front doors as the scenarios of doors.test.ts go through them: a new door is one more entry of `doors`. */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { createParser } from "eventsource-parser";
import { runStdio } from "../../src/frontends/stdio.js";
import type { App } from "../../src/index.js";
import { openDoor, post, sdk } from "../frontends/http/door.js";
import { connect, type Message } from "../frontends/http/socket.js";
import { doorParts, interrupts, Sink } from "../frontends/support.js";

interface Prompt {
  conversationId: string;
  requestId: string;
  text: string;
  /** What is answered to a question of the turn. */
  answer?: unknown;
  /** Called once, with what cancels the turn, when the turn has begun. */
  begun?: (cancel: () => void) => void;
}

export interface Door {
  name: string;
  /** Whether somebody can be asked through it; else every question is answered with no. */
  asks: boolean;
  open(app: App): Promise<OpenDoor>;
}

export interface OpenDoor extends AsyncDisposable {
  /** Resolves when this door has shown the end of the turn, or refused it. Any number at once. */
  prompt(prompt: Prompt): Promise<void>;
}

export const doors: readonly Door[] = [
  { name: "stdio", asks: true, open: openPipe },
  { name: "WebSocket", asks: true, open: openSocket },
  { name: "HTTP", asks: true, open: openHttp },
  { name: "OpenAI", asks: false, open: openOpenAi },
];

interface Wire {
  send(message: object): void;
  /** Gets every message from the end of the call on, until the returned function is called. */
  listen(listener: (message: Message) => void): () => void;
}

/** The message protocol, whatever carries it. */
function promptOver({ send, listen }: Wire, { conversationId, requestId, text, answer, begun }: Prompt): Promise<void> {
  return new Promise((resolve) => {
    const reply = (action: string, payload: object) =>
      send({ action, request_id: requestId, conversation_id: conversationId, payload });
    const stop = listen(({ request_id, status, chunk: { type, data } }) => {
      if (request_id !== requestId) return;
      if (status === "processing") begun?.(() => reply("cancel", {}));
      if (type === "question")
        reply("answer", { question_id: (data as { question_id: string }).question_id, value: answer });
      if (status !== "complete" && status !== "error") return;
      stop();
      resolve();
    });
    reply("chat", { text, streaming: true });
  });
}

function broadcast() {
  const listeners = new Set<(message: Message) => void>();
  return {
    tell: (message: Message) => {
      for (const listener of [...listeners]) listener(message);
    },
    listen: (listener: (message: Message) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}

async function openPipe(app: App): Promise<OpenDoor> {
  const stdin = new PassThrough();
  const stdout = new Sink();
  const { tell, listen } = broadcast();
  const write = stdout._write.bind(stdout);
  stdout._write = (text: string, encoding, done) => {
    write(text, encoding, done);
    for (const line of text.trimEnd().split("\n")) tell(JSON.parse(line));
  };
  const exitCode = runStdio(doorParts(app), { stdin, stdout, onInterrupt: interrupts().onInterrupt });
  const send = (message: object) => void stdin.write(`${JSON.stringify(message)}\n`);
  return {
    prompt: (prompt) => promptOver({ send, listen }, prompt),
    async [Symbol.asyncDispose]() {
      stdin.end();
      await exitCode;
    },
  };
}

async function openSocket(app: App): Promise<OpenDoor> {
  const door = await openDoor(app);
  const { socket, send } = await connect(door);
  const { tell, listen } = broadcast();
  socket.on("message", (data) => tell(JSON.parse(data.toString())));
  return {
    prompt: (prompt) => promptOver({ send, listen }, prompt),
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
      door.close();
    },
  };
}

async function openHttp(app: App): Promise<OpenDoor> {
  const door = await openDoor(app);
  return {
    async prompt({ conversationId, requestId, text, answer, begun }) {
      const url = `${door.url}/api/sessions/${conversationId}`;
      const accepted = await post(`${url}/turns`, { request_id: requestId, text, streaming: true });
      if (!accepted.ok) return;
      begun?.(() => void post(`${url}/cancel`, { request_id: requestId }));
      const { turn_id } = (await accepted.json()) as { turn_id: string };
      let isOver = false;
      const take = ({ chunk: { type, data, metadata } }: Message) => {
        if (metadata?.turn_id !== turn_id) return;
        if (type === "question") {
          void post(`${url}/answer`, { question_id: (data as { question_id: string }).question_id, value: answer });
        }
        if (type === "turn_end" || type === "turn_error") isOver = true;
      };
      const parser = createParser({ onEvent: ({ data }) => take(JSON.parse(data)) });
      const { body } = await fetch(`${url}/events`);
      for await (const bytes of body ?? []) {
        parser.feed(Buffer.from(bytes).toString());
        if (isOver) break;
      }
    },
    async [Symbol.asyncDispose]() {
      door.close();
    },
  };
}

async function openOpenAi(app: App): Promise<OpenDoor> {
  const door = await openDoor(app);
  return {
    async prompt({ conversationId, requestId, text, begun }) {
      const headers = { "x-conversation-id": conversationId, "x-request-id": requestId };
      const messages = [{ role: "user" as const, content: text }];
      try {
        const chunks = await sdk(door).chat.completions.create({ model: "m1", messages, stream: true }, { headers });
        begun?.(() => void post(`${door.url}/api/sessions/${conversationId}/cancel`, { request_id: requestId }));
        for await (const _ of chunks);
      } catch {
        // The log says what became of it.
      }
    },
    async [Symbol.asyncDispose]() {
      door.close();
    },
  };
}
