import { createParser } from "eventsource-parser";
import type { StrictMock } from "../../support/strict/index.js";

/** Parsed JSON of a vendor. It has no types: a wrong path in a test makes the test fail. */
export type Loose = ReturnType<typeof JSON.parse>;

interface RawAnswer {
  status: number;
  headers: Headers;
  body: Loose;
}

/** A client of a vendor's wire that sends bodies unchanged. */
export interface RawClient {
  post(body: object, headers?: Record<string, string | undefined>): Promise<RawAnswer>;
  /** Sends the body as a stream request and returns the data of the events. */
  stream(body: object, signal?: AbortSignal): Promise<Loose[]>;
  /** Sends the same request and returns the text of the stream. */
  streamText(body: object): Promise<string>;
  /** Returns the message of the refusal. Fails if the request is accepted. */
  refusal(body: object, headers?: Record<string, string | undefined>): Promise<string>;
}

const auth = {
  responses: { authorization: "Bearer key" },
  chat: { authorization: "Bearer key" },
  messages: { "x-api-key": "key", "anthropic-version": "2023-06-01" },
  gemini: { "x-goog-api-key": "key" },
};
const paths = { responses: "/v1/responses", chat: "/v1/chat/completions", messages: "/v1/messages" };

export function rawClient(mock: StrictMock, wire: keyof typeof auth, geminiModel = "gemini-3.5-pro"): RawClient {
  const send = (
    body: object,
    isStream: boolean,
    headers: Record<string, string | undefined> = {},
    signal?: AbortSignal,
  ) => {
    const method = isStream ? "streamGenerateContent?alt=sse" : "generateContent";
    const path = wire === "gemini" ? `/v1beta/models/${geminiModel}:${method}` : paths[wire];
    const all = Object.entries({ "content-type": "application/json", ...auth[wire], ...headers });
    return fetch(`${mock.origin}${path}`, {
      method: "POST",
      headers: all.flatMap(([name, value]): [string, string][] => (value === undefined ? [] : [[name, value]])),
      body: JSON.stringify(isStream && wire !== "gemini" ? { ...body, stream: true } : body),
      ...(signal && { signal }),
    });
  };
  const post: RawClient["post"] = async (body, headers) => {
    const response = await send(body, false, headers);
    return { status: response.status, headers: response.headers, body: await response.json() };
  };
  return {
    post,
    stream: async (body, signal) => {
      const response = await send(body, true, {}, signal);
      const events: Loose[] = [];
      const parser = createParser({
        onEvent: ({ data }) => void events.push(data === "[DONE]" ? data : JSON.parse(data)),
      });
      parser.feed(await response.text());
      return events;
    },
    streamText: async (body) => (await send(body, true)).text(),
    refusal: async (body, headers) => {
      const { status, body: answer } = await post(body, headers);
      if (status < 400) throw new Error(`accepted: ${JSON.stringify(answer).slice(0, 300)}`);
      return answer.error.message;
    },
  };
}
