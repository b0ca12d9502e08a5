/** The message protocol over its two transports, the pipe and WebSocket. */
import { once } from "node:events";
import { PassThrough } from "node:stream";
import { runStdio } from "../../../src/doors/lines/stdio.js";
import type { App } from "../../../src/index.js";
import { openDoor } from "../../doors/http/door.js";
import { connect } from "../../doors/http/socket.js";
import { doorParts, interrupts, Sink } from "../../doors/support.js";
import { type Message, readMessage } from "../../support/wire-messages.js";
import type { Door, OpenDoor, Prompt } from "./door.js";

export const pipe: Door = { name: "stdio", streamsByRequest: true, open: openPipe };
export const socket: Door = { name: "WebSocket", streamsByRequest: true, open: openSocket };

interface Wire {
  send(message: object): void;
  /** Calls the listener with every message after this call, until the returned function is called. */
  listen(listener: (message: Message) => void): () => void;
  streaming: boolean;
}

function promptOver({ send, listen, streaming }: Wire, prompt: Prompt): Promise<void> {
  const { conversationId, requestId, text, answer, cancelAt } = prompt;
  return new Promise((resolve) => {
    const reply = (action: string, payload: object) =>
      send({ action, request_id: requestId, conversation_id: conversationId, payload });
    const stop = listen(({ request_id, status, chunk: { type, data } }) => {
      if (request_id !== requestId) return;
      if (type === "question")
        reply("answer", { question_id: (data as { question_id: string }).question_id, value: answer });
      if (status !== "complete" && status !== "error") return;
      stop();
      resolve();
    });
    reply("chat", { text, streaming });
    void cancelAt?.then(() => reply("cancel", {}));
  });
}

function historyOver({ send, listen }: Wire, conversationId: string): Promise<string> {
  const requestId = "history";
  return new Promise((resolve) => {
    let shown = "";
    const stop = listen(({ request_id, status, chunk }) => {
      if (request_id !== requestId) return;
      shown += JSON.stringify(chunk);
      if (status !== "complete") return;
      stop();
      resolve(shown);
    });
    send({ action: "history", request_id: requestId, conversation_id: conversationId });
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

async function openPipe(app: App, streaming: boolean): Promise<OpenDoor> {
  const stdin = new PassThrough();
  const stdout = new Sink();
  const { tell, listen } = broadcast();
  const write = stdout._write.bind(stdout);
  stdout._write = (text: string, encoding, done) => {
    write(text, encoding, done);
    for (const line of text.trimEnd().split("\n")) tell(readMessage(line));
  };
  const exitCode = runStdio(doorParts(app), { stdin, stdout, onInterrupt: interrupts().onInterrupt });
  const send = (message: object) => void stdin.write(`${JSON.stringify(message)}\n`);
  const wire = { send, listen, streaming };
  return {
    prompt: (prompt) => promptOver(wire, prompt),
    history: (conversationId) => historyOver(wire, conversationId),
    async [Symbol.asyncDispose]() {
      stdin.end();
      await exitCode;
    },
  };
}

async function openSocket(app: App, streaming: boolean): Promise<OpenDoor> {
  const door = await openDoor(app);
  const { socket, send } = await connect(door);
  const { tell, listen } = broadcast();
  socket.on("message", (data) => tell(readMessage(data.toString())));
  const wire = { send, listen, streaming };
  return {
    prompt: (prompt) => promptOver(wire, prompt),
    history: (conversationId) => historyOver(wire, conversationId),
    async [Symbol.asyncDispose]() {
      socket.close();
      await once(socket, "close");
      door.close();
    },
  };
}
