import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { createParser } from "eventsource-parser";
import { isRecord, parseJson } from "../json.js";

/** Larger data can only be the answer, and is not worth parsing twice. */
const largestNotification = 1024 * 1024;

/**
 * A POST whose event stream ends, or breaks, before the answer gets an error for an answer: the SDKs would wait for it until the
 * call's timeout (typescript-sdk#2739). A stream with event ids is left alone: the SDK asks for the rest of it.
 */
export function withWholeAnswers(send: FetchLike): FetchLike {
  return async (url, init) => {
    const response = await send(url, init);
    const id = requestId(init);
    const isStream = response.headers.get("content-type")?.includes("text/event-stream");
    if (id === undefined || !isStream || !response.body) return response;
    return new Response(answered(response.body, id), response);
  };
}

function requestId({ method, body }: RequestInit = {}): string | number | undefined {
  const parsed = method === "POST" && typeof body === "string" ? parseJson(body) : { problem: "" };
  const id =
    "value" in parsed && isRecord(parsed.value) && parsed.value.method !== undefined ? parsed.value.id : undefined;
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}

function answered(body: ReadableStream<Uint8Array>, id: string | number): ReadableStream<Uint8Array> {
  let isLeftAlone = false;
  const parser = createParser({
    onEvent(event) {
      isLeftAlone ||= event.id !== undefined || isAnswer(event.data, id);
    },
  });
  const text = new TextDecoder();
  const reader = body.getReader();
  const message = "the server ended the stream before it answered, so the outcome is unknown";
  const lost = JSON.stringify({ jsonrpc: "2.0", id, error: { code: -32000, message } });
  return new ReadableStream({
    async pull(controller) {
      const next = await reader.read().catch((error: unknown) => ({ error }));
      if ("value" in next && next.value) {
        if (!isLeftAlone) parser.feed(text.decode(next.value, { stream: true }));
        controller.enqueue(next.value);
        return;
      }
      if (!isLeftAlone) controller.enqueue(new TextEncoder().encode(`\n\nevent: message\ndata: ${lost}\n\n`));
      if (isLeftAlone && "error" in next) controller.error(next.error);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function isAnswer(data: string, id: string | number): boolean {
  if (data.length > largestNotification) return true;
  const parsed = parseJson(data);
  return "value" in parsed && isRecord(parsed.value) && parsed.value.id === id && parsed.value.method === undefined;
}
