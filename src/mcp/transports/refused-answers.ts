import type { FetchLike } from "@modelcontextprotocol/sdk/shared/transport.js";
import { isRecord, parseJson } from "../json.js";

/** What the transport itself must see: a login that is wanted, rights that lack, a session that is lost. */
const notOfTheCall = [401, 403, 404];

/**
 * A call that is refused with an HTTP 4xx and has its JSON-RPC error in the body gets that for an answer: to the SDK the body would be
 * nothing but text, and the server's words part of a sentence about HTTP.
 */
export function withRefusedAnswers(send: FetchLike): FetchLike {
  return async (url, init) => {
    const response = await send(url, init);
    const { status } = response;
    if (status < 400 || status >= 500 || notOfTheCall.includes(status)) return response;
    const call = recordIn(init?.body);
    if (call?.method !== "tools/call") return response;
    const text = await response.text();
    const answer = recordIn(text);
    if (answer?.id === call.id && isRecord(answer?.error)) return Response.json(answer);
    return new Response(text, { status, statusText: response.statusText, headers: response.headers });
  };
}

function recordIn(text: unknown): Record<string, unknown> | undefined {
  const parsed = typeof text === "string" ? parseJson(text) : { problem: "" };
  return "value" in parsed && isRecord(parsed.value) ? parsed.value : undefined;
}
