/** Messages of the host as tests read them: each must match the published schema exactly. */
import { afterEach, expect } from "@jest/globals";
import { isExactHostMessage } from "./schemas/message-schemas.js";

export interface Message {
  request_id: string | null;
  seq?: number;
  status: string;
  chunk: { type?: string; data?: unknown; metadata?: Record<string, unknown>; [field: string]: unknown };
}

const wrong: string[] = [];

/** Parses a message of the host. If the message does not match the schema, the test fails. */
export function readMessage(text: string): Message {
  const message: Message = JSON.parse(text);
  if (!isExactHostMessage(message)) wrong.push(text);
  return message;
}

afterEach(() => {
  expect(wrong.splice(0)).toEqual([]);
});
