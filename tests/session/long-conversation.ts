import { collect, fixtureServer, startApp } from "../support/app.js";
import { answer, failure, type LlmRequest, type Step, startLlmServer, toolCalls } from "../support/llm-server.js";

/** Returns how many tokens the model counts for each byte of its request with this number. */
export type Counting = (request: number) => number;

interface LongConversation {
  /** The model's window, in tokens. */
  window: number;
  /** Number of requests, without those for summaries. */
  requests: number;
  compaction: "auto" | "off" | "failing";
  tokensPerByte: Counting;
  /** Number of words of the message with this number. */
  words?: (message: number) => number;
  callsTools?: boolean;
}

export const isSummary = ({ text }: LlmRequest) => text.includes("You condense a conversation");
const messages = ({ body }: LlmRequest) => JSON.stringify(body.messages).slice(0, -1);

/** Returns true if `later` begins with all messages of `earlier`, byte for byte. */
export const isContinued = (earlier: LlmRequest, later: LlmRequest) => messages(later).startsWith(messages(earlier));

/** Has a conversation with a model of this window, and measures how its requests begin. */
export async function longConversation(parts: LongConversation) {
  const { window, requests, compaction, tokensPerByte, words = () => 60, callsTools = false } = parts;
  const said = (message: number) => "so it was said ".repeat(Math.ceil(words(message) / 4));
  const own: LlmRequest[] = [];
  let summaries = 0;
  const script = (request: LlmRequest): Step => {
    if (isSummary(request)) {
      summaries++;
      return compaction === "auto" ? answer("what was before") : failure(400);
    }
    own.push(request);
    const number = own.length;
    const usage = { prompt_tokens: Math.ceil(request.text.length * tokensPerByte(number)), completion_tokens: 5 };
    const isAsked = request.body.messages?.at(-1)?.role === "user";
    if (callsTools && isAsked) return toolCalls([{ name: "s__echo", arguments: { n: said(number) } }], { usage });
    return answer(said(number), { usage });
  };
  await using llm = await startLlmServer((request) => script(request));
  const provider = { base_url: llm.url, model: "m1", api_key: "sk-test-0123456789", context_window: window };
  const service = { approval: "auto", compaction: compaction === "off" ? "off" : "auto" };
  await using app = await startApp({
    llm: llm.url,
    ...(callsTools && { mcpServers: { s: fixtureServer() } }),
    config: { llm: { active: "test", http: { max_retries: 0 }, providers: { test: provider } }, chat: { service } },
  });
  const session = app.sessions.open("c");
  for (let turn = 1; own.length < requests; turn++) {
    const text = `question ${turn} ${said(turn)}`;
    const events = await collect(session.prompt({ requestId: `r${turn}`, text, streaming: false }));
    const last = events.at(-1);
    if (last?.type !== "turn_end") throw new Error(`turn ${turn} ended with ${JSON.stringify(last)}`);
  }
  const tokens = own.map(({ text }, index) => text.length * tokensPerByte(index + 1));
  const continued = own.map((request, index) => index > 0 && isContinued(own[index - 1] as LlmRequest, request));
  const added = tokens.map((count, index) => (continued[index] ? count - (tokens[index - 1] ?? 0) : 0));
  const perRequest = added.reduce((sum, count) => sum + count, 0) / continued.filter(Boolean).length;
  return {
    /** Number of requests that do not begin with the messages of the request before. */
    breaks: continued.slice(1).filter((each) => !each).length,
    summaries,
    /** Tokens that were added by all requests, as the model counts them. */
    newTokens: perRequest * own.length,
    largest: Math.max(...tokens),
    last: Math.min(...tokens.slice(-20)),
  };
}
