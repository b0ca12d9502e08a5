/**
 * A mock provider on loopback that does what the user's last message says:
 * - `add 2 40` calls the tool add and answers with its result
 * - `both 2 40` also calls a tool of the client; if the client does not list its tools at first, the model searches for it
 * - `fail NAME` answers with that failure, and `add 2 40 then fail NAME` calls the tool first
 *
 * The answer to everything else is OK.
 */
import { createServer } from "node:http";

const failures = {
  key: [401, { message: "Incorrect API key provided", code: "invalid_api_key" }],
  rate: [429, { message: "Rate limit reached", code: "rate_limit_exceeded" }],
  quota: [429, { message: "You exceeded your current quota", code: "insufficient_quota" }],
  context: [400, { message: "maximum context length is 10 tokens", code: "context_length_exceeded" }],
  server: [500, { message: "The server had an error" }],
};

export async function startModel() {
  const requests = [];
  const http = createServer(async (request, response) => {
    let text = "";
    for await (const chunk of request) text += chunk;
    const body = JSON.parse(text);
    requests.push(body);
    const { status = 200, document } = answerOf(body);
    if (status === 200 && body.stream) return stream(response, document);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(document));
  });
  await new Promise((done) => http.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${http.address().port}/v1`,
    requests,
    close() {
      http.closeAllConnections();
      http.close();
    },
  };
}

function answerOf({ messages, tools = [] }) {
  const askedAt = messages.findLastIndex(({ role, content }) => role === "user" && doable.test(textOf({ content })));
  const asked = textOf(messages[askedAt] ?? {});
  const since = messages.slice(askedAt + 1);
  const names = new Map(
    since.flatMap(({ tool_calls = [] }) => tool_calls.map((call) => [call.id, call.function.name])),
  );
  const answered = since.filter(({ role, tool_call_id }) => role === "tool" && names.get(tool_call_id) !== search);
  const results = answered.map(textOf);
  const [, verb, a, b] = /\b(add|both) (\d+) (\d+)/.exec(asked) ?? [];
  const [, failure] = /\bfail (\w+)/.exec(asked) ?? [];
  const named = (ending) => tools.find((tool) => tool.function.name.endsWith(ending))?.function.name;
  const own = ownTools.find(([name]) => named(name) !== undefined);
  const isHeldBack = verb === "both" && named("weather") === undefined && named(search) !== undefined;
  const wanted = [
    ...(verb ? [[named("add"), { a: Number(a), b: Number(b) }]] : []),
    ...(verb === "both" && own ? [[named(own[0]), own[1]]] : []),
  ].filter(([name]) => name !== undefined);
  const calls = isHeldBack ? [[search, { query: "select:mcp__own__weather", max_results: 5 }]] : wanted;
  if (calls.length > 0 && results.length === 0) {
    const toolCalls = calls.map(([name, input], index) => ({
      id: `call_${index + 1}`,
      type: "function",
      function: { name, arguments: JSON.stringify(input) },
    }));
    return whole({ content: null, tool_calls: toolCalls }, "tool_calls");
  }
  if (failure && failures[failure]) {
    const [status, error] = failures[failure];
    return { status, document: { error } };
  }
  if (verb === "both") return whole({ content: `The results are ${results.join(" and ")}.` }, "stop");
  return whole({ content: verb && results.length > 0 ? `The sum is ${results[0]}.` : "OK" }, "stop");
}

/** Tools of the clients with the arguments of the call. The result of each contains `cold`. */
const ownTools = [
  ["weather", { city: "Oslo" }],
  ["exec_command", { cmd: "echo cold" }],
  ["bash", { command: "echo cold", description: "Says cold" }],
];

/** Claude Code's tool that searches for the tools that it does not list at first. */
const search = "ToolSearch";

/** Matches a command anywhere in a user message, because clients append their own text to the user's. */
const doable = /\b(?:add|both) \d+ \d+|\bfail \w+/;

function whole(message, finish_reason) {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  return { document: { choices: [{ index: 0, message: { role: "assistant", ...message }, finish_reason }], usage } };
}

function stream(response, { choices: [{ message, finish_reason }], usage }) {
  const calls = message.tool_calls?.map((call, index) => ({ index, ...call }));
  const delta = calls ? { tool_calls: calls } : { content: message.content };
  const chunks = [
    { choices: [{ index: 0, delta: { role: "assistant", ...delta }, finish_reason: null }] },
    { choices: [{ index: 0, delta: {}, finish_reason }] },
    { choices: [], usage },
  ];
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (const chunk of chunks) response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  response.end("data: [DONE]\n\n");
}

function textOf({ content }) {
  if (typeof content === "string") return content;
  return (content ?? []).map(({ text = "" }) => text).join("\n");
}
