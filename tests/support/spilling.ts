import type { HttpConfig, ProviderConfig } from "../../src/core/config.js";
import {
  beforeHeaders,
  chunk,
  cutStream,
  failure,
  json,
  type LlmRequest,
  reset,
  type Step,
  stall,
  stream,
} from "./llm-server.js";

/** Secrets that must never appear outside of a request. */
export const key = "Zq7.f00dface-Kx_998";
export const headerSecret = "tenant:4711-geheim";
export const proxyPassword = "pr0xy&Pass/w0rd";
export const prompt = 'Why is the "blue elephant"\nin my cellar so fond of Mozart?';
export const system = "You are Rumpelstilzchen, and nobody may know that.";
const traces =
  /f00dface|Kx_998|4711-geheim|pr0xy|w0rd|cHIweHk|blue elephant|in my cellar|fond of Mozart|Rumpelstilzchen/;

/** Returns the first secret in the text, in any encoding; undefined if there is none. */
export function secretIn(text: string): string | undefined {
  return traces.exec(text)?.[0];
}

/** A failure in which the provider, or a program in front of it, repeats all that it was sent. */
export interface Spill {
  name: string;
  step: Step;
  http?: Partial<HttpConfig>;
  provider?: ProviderConfig;
}

const spoken = ({ headers, body }: LlmRequest) => {
  const { content } = body.messages?.at(-1) ?? {};
  return `"${String(headers.authorization)}" ${String(headers["x-tenant"])} said "${typeof content === "string" ? content : JSON.stringify(content)}"`;
};
const whole = ({ headers, body }: LlmRequest) => `${JSON.stringify(headers)} ${JSON.stringify(body)}`;

/** Returns a step that answers with the result of `repeat`. */
function echo(status: number, repeat: (request: LlmRequest) => unknown, headers = {}): Step {
  return (response, request) => failure(status, { body: repeat(request), headers })(response, request);
}

const hello = chunk({ content: "Hello" });
const limits = { timeoutMs: 60, ttftTimeoutMs: 60, idleTimeoutMs: 60 };
const openAi = (say: (request: LlmRequest) => string) => (request: LlmRequest) => ({
  error: { message: say(request), param: "messages" },
});

export const spills: Spill[] = [
  {
    name: "401 that repeats the key",
    step: echo(
      401,
      openAi(({ headers }) => `Incorrect API key provided: ${String(headers.authorization).slice(7)}.`),
    ),
  },
  ...[400, 404, 413, 429, 500].map((status) => ({
    name: `${status} that repeats key and prompt`,
    step: echo(status, openAi(spoken)),
  })),
  { name: "400 that repeats the whole request as JSON", step: echo(400, openAi(whole)) },
  {
    name: "422 of FastAPI with the input",
    step: echo(422, ({ body }) => ({ detail: [{ loc: ["body"], msg: "bad", input: body }] })),
  },
  { name: "400 that is the prompt as text", step: echo(400, spoken) },
  {
    name: "502 that is a page with all of it",
    step: echo(502, (request) => `<html><title>${spoken(request)}</title>${whole(request)}`),
  },
  {
    name: "200 that is a page with all of it",
    step: (response, request) => response.end(`<html><title>${spoken(request)}`),
  },
  { name: "200 that is the prompt as text", step: (response, request) => response.end(spoken(request)) },
  {
    name: "an error in a 200",
    step: (response, request) => json({ error: { message: spoken(request) } })(response, request),
  },
  {
    name: "an error in the stream",
    step: (response, request) => stream([{ error: { message: spoken(request) } }])(response, request),
  },
  {
    name: "an error after the first words",
    step: (response, request) => stream([hello, { error: { message: whole(request) } }])(response, request),
  },
  {
    name: "an error event of plain words",
    step: (response, request) =>
      stream([hello, `event: error\ndata: ${spoken(request).replaceAll("\n", " ")}\n\n`])(response, request),
  },
  {
    name: "an event that is no JSON",
    step: (response, request) => stream([hello, `data: {${JSON.stringify(spoken(request))}\n\n`])(response, request),
  },
  {
    name: "a redirect that repeats the key",
    step: echo(307, spoken, { location: `http://127.0.0.1:1/v1?key=${key}` }),
  },
  { name: "a redirect to a page with the key in its path", step: echo(302, spoken, { location: `/login/${key}` }) },
  { name: "a reset", step: beforeHeaders(reset) },
  { name: "a cut", step: stream([hello, cutStream]) },
  { name: "silence", step: beforeHeaders(stall), http: limits },
  { name: "a stall", step: stream([hello, stall]), http: limits },
  { name: "no time left", step: beforeHeaders(stall), http: { totalTimeoutMs: 60 } },
  { name: "headers that repeat the key", step: echo(503, openAi(spoken), { "x-request-id": `req-${key}` }) },
  {
    name: "nobody listening",
    step: failure(500),
    provider: { baseUrl: `http://user:${key}@127.0.0.1:1/v1?key=${key}` },
  },
  {
    name: "a name that does not resolve",
    step: failure(500),
    provider: { baseUrl: `http://user:${key}@nowhere.invalid/v1` },
  },
  { name: "a base_url that is none", step: failure(500), provider: { baseUrl: `htp//${key}/v1` } },
];
