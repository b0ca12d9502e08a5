import type { JSONRPCRequest } from "@modelcontextprotocol/sdk/types.js";
import { asObject, type JsonObject, parseJson } from "../../core/json.js";
import {
  beginningOfRefusal,
  bodyText,
  type HttpAnswer,
  isOk,
  mediaTypeOf,
  type SendRequest,
} from "../http/http-request.js";
import { readEvents } from "../http/read-event-stream.js";

/** Statuses that do not reveal which protocol the server speaks. */
const noVerdict = new Set([401, 403, 408, 429]);

interface HttpVerdict {
  status: number;
  /**
   * The JSON-RPC answer. It is `{}` if the server refused the request with an HTTP status, and undefined if the server's protocol is still
   * unknown.
   */
  answer: JsonObject | undefined;
}

/** Sends one request of protocol 2026-07-28, as a POST without a session. Rejects if `send` rejects. */
export async function askHttp(
  url: URL,
  request: JSONRPCRequest,
  { headers, send, signal }: { headers: Record<string, string>; send: SendRequest; signal: AbortSignal },
): Promise<HttpVerdict> {
  const meta = request.params?._meta ?? {};
  const response = await send({
    method: "POST",
    url,
    signals: [signal],
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
  const isStream = mediaTypeOf(response) === "text/event-stream";
  const answer = isStream ? await answerIn(response, request.id) : asAnswer(await textOf(response));
  const isRefused = status >= 400 && status < 500 && !noVerdict.has(status);
  return { status, answer: answer ?? (isRefused ? {} : undefined) };
}

function textOf(response: HttpAnswer): Promise<string> {
  return isOk(response) ? bodyText(response) : beginningOfRefusal(response);
}

function answerIn({ body }: HttpAnswer, id: unknown): Promise<JsonObject | undefined> {
  return new Promise((resolve) => {
    readEvents(body, {
      event({ data }) {
        const found = asAnswer(data);
        if (found?.id !== id) return;
        resolve(found);
        body.destroy();
      },
      ended: () => resolve(undefined),
    });
  });
}

function asAnswer(text: string): JsonObject | undefined {
  const answer = asObject(parseJson(text));
  return answer && ("result" in answer || "error" in answer) ? answer : undefined;
}
