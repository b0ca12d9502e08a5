import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { createParser } from "eventsource-parser";
import { isRecord, parseJson } from "../json.js";
import { lostAnswer } from "../peer.js";

/** Larger data can only be the answer, and is not worth parsing twice. */
const largestNotification = 1024 * 1024;

/**
 * A POST whose event stream ends, or breaks, before the answer gets an error for an answer: the SDKs would wait for it until the
 * call's timeout (typescript-sdk#2739). A stream with event ids is left alone: the SDK asks for the rest of it. It does so also when
 * the answer was an error, where there is no rest: that is not asked of the server.
 */
export function withWholeAnswers(send: FetchLike): FetchLike {
  const ended = new Set<string>();
  return async (url, init) => {
    const resumed = init?.method === "GET" ? new Headers(init.headers).get("last-event-id") : null;
    if (resumed !== null && ended.delete(resumed)) return new Response(null, { status: 405 });
    const response = await send(url, init);
    const id = requestId(init);
    const isStream = response.headers.get("content-type")?.includes("text/event-stream");
    if (id === undefined || !isStream || !response.body) return response;
    return new Response(answered(response.body, id, ended), response);
  };
}

function requestId({ method, body }: RequestInit = {}): string | number | undefined {
  const parsed = method === "POST" && typeof body === "string" ? parseJson(body) : { problem: "" };
  const id =
    "value" in parsed && isRecord(parsed.value) && parsed.value.method !== undefined ? parsed.value.id : undefined;
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}

/** `ended` gets the last event of a stream that brought an error for an answer. */
function answered(
  body: ReadableStream<Uint8Array>,
  id: string | number,
  ended: Set<string>,
): ReadableStream<Uint8Array> {
  let isLeftAlone = false;
  let lastEventId: string | undefined;
  let isRefused = false;
  const parser = createParser({
    onEvent(event) {
      lastEventId = event.id ?? lastEventId;
      const kind = answerKind(event.data, id);
      isRefused ||= kind === "error";
      isLeftAlone ||= event.id !== undefined || kind !== undefined;
    },
  });
  const text = new TextDecoder();
  const reader = body.getReader();
  const lost = JSON.stringify({ jsonrpc: "2.0", id, error: lostAnswer });
  return new ReadableStream({
    async pull(controller) {
      const next = await reader.read().catch((error: unknown) => ({ error }));
      if ("value" in next && next.value) {
        if (!isLeftAlone || lastEventId !== undefined) parser.feed(text.decode(next.value, { stream: true }));
        controller.enqueue(next.value);
        return;
      }
      if (!isLeftAlone) controller.enqueue(new TextEncoder().encode(`\n\nevent: message\ndata: ${lost}\n\n`));
      if (isRefused && lastEventId !== undefined) ended.add(lastEventId);
      if (isLeftAlone && "error" in next) controller.error(next.error);
      else controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

function answerKind(data: string, id: string | number): "result" | "error" | undefined {
  if (data.length > largestNotification) return "result";
  const parsed = parseJson(data);
  if (!("value" in parsed) || !isRecord(parsed.value)) return undefined;
  const { value } = parsed;
  if (value.id !== id || value.method !== undefined) return undefined;
  return value.error === undefined ? "result" : "error";
}
