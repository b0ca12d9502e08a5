/** A client of `/v1/messages` without an SDK: it sends requests and adds up the events of a stream. */
import { expect } from "@jest/globals";
import type { HttpDoor } from "../../../src/doors/http/serve.js";

export type Block = { type: string } & Record<string, unknown>;

interface Message {
  id: string;
  model: string;
  content: Block[];
  stop_reason: string;
  stop_sequence: string | null;
  usage: Record<string, number>;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Undefined if the request failed. */
  message: Message;
  error: { type: string; message: string; details?: object };
  requestId: string;
  /** Types of the events, if the answer was streamed. */
  events: string[];
}

/** Sends a request with the token as `x-api-key`. Checks a stream against the rules of the API. */
export async function ask(door: HttpDoor, body: object, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${door.url}/v1/messages?beta=true`, {
    method: "POST",
    headers: { "anthropic-version": "2023-06-01", "x-api-key": door.token ?? "none", ...headers },
    body: JSON.stringify({ model: "mcp-platform", max_tokens: 100, ...body }),
  });
  const text = await response.text();
  const isStream = response.headers.get("content-type") === "text/event-stream";
  const facts = { status: response.status, headers: response.headers };
  if (isStream) return { ...facts, ...added(text) };
  const document = JSON.parse(text);
  return { ...facts, message: document, error: document.error, requestId: document.request_id, events: [] };
}

type Event = { type: string; index: number } & Record<string, unknown>;

/** Adds up the events of a stream. Checks that each block begins, has its deltas and ends before the next block begins. */
function added(text: string): Omit<Answer, "status" | "headers"> {
  const events = text
    .split("\n\n")
    .filter((lines) => lines !== "")
    .map((lines) => {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(lines) ?? [];
      const event = JSON.parse(data ?? "null") as Event;
      expect(event.type).toBe(name);
      return event;
    });
  const told = events.filter(({ type }) => type !== "ping");
  const [start, ...rest] = told;
  const message = structuredClone(start?.message) as Message;
  expect(message).toMatchObject({ type: "message", role: "assistant", content: [], stop_reason: null });
  let open = false;
  for (const event of rest) {
    const last = message.content.at(-1);
    switch (event.type) {
      case "content_block_start":
        expect([open, event.index]).toEqual([false, message.content.length]);
        open = true;
        message.content.push(structuredClone(event.content_block) as Block);
        break;
      case "content_block_delta":
        expect([open, event.index]).toEqual([true, message.content.length - 1]);
        addDelta(last as Block, event.delta as Block);
        break;
      case "content_block_stop":
        expect([open, event.index]).toEqual([true, message.content.length - 1]);
        open = false;
        break;
      case "message_delta":
        Object.assign(message, event.delta, { usage: event.usage });
        break;
    }
  }
  const error = told.find(({ type }) => type === "error") as { error: Answer["error"]; request_id: string } | undefined;
  if (!error)
    expect([open, ...told.slice(-2).map(({ type }) => type)]).toEqual([false, "message_delta", "message_stop"]);
  const types = events.map(({ type }) => type);
  return { message, error: error?.error as Answer["error"], requestId: error?.request_id ?? "", events: types };
}

function addDelta(block: Block, delta: Block): void {
  if (delta.type === "input_json_delta") block.input = JSON.parse(String(delta.partial_json));
  else {
    const field = { text_delta: "text", thinking_delta: "thinking", signature_delta: "signature" }[delta.type] ?? "";
    block[field] = `${block[field]}${delta[field]}`;
  }
}
