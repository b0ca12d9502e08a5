import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { createParser } from "eventsource-parser";
import { isRecord, type Json, parseJson } from "../json.js";

/** Statuses that say nothing of what the server speaks. */
const noVerdict = new Set([401, 403, 408, 429]);

interface HttpAnswer {
  status: number;
  /** The JSON-RPC answer; `{}` where the server refused the request itself; undefined where there is no telling. */
  answer: Json | undefined;
}

/** One request of 2026-07-28, by POST and without a session. Rejects as `send` does. */
export async function askHttp(
  url: URL,
  request: JSONRPCRequest,
  { headers, send, signal }: { headers: Record<string, string>; send: FetchLike; signal: AbortSignal },
): Promise<HttpAnswer> {
  const meta = request.params?._meta ?? {};
  const response = await send(url, {
    method: "POST",
    signal,
    body: JSON.stringify(request),
    headers: {
      ...headers,
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      "mcp-protocol-version": String(meta["io.modelcontextprotocol/protocolVersion"]),
      "mcp-method": request.method,
    },
  });
  const { status } = response;
  const isStream = response.headers.get("content-type")?.includes("text/event-stream");
  const answer = isStream ? await answerIn(response, request.id) : asAnswer(await response.text());
  const isRefused = status >= 400 && status < 500 && !noVerdict.has(status);
  return { status, answer: answer ?? (isRefused ? {} : undefined) };
}

async function answerIn({ body }: Response, id: unknown): Promise<Json | undefined> {
  let answer: Json | undefined;
  const parser = createParser({
    onEvent({ data }) {
      const found = asAnswer(data);
      if (found?.id === id) answer ??= found;
    },
  });
  const text = new TextDecoder();
  for await (const chunk of body ?? []) {
    parser.feed(text.decode(chunk, { stream: true }));
    if (answer) break;
  }
  return answer;
}

function asAnswer(text: string): Json | undefined {
  const parsed = parseJson(text);
  if (!("value" in parsed) || !isRecord(parsed.value)) return undefined;
  return "result" in parsed.value || "error" in parsed.value ? parsed.value : undefined;
}
