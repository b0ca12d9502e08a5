/**
 * A provider on loopback that does what the last message of the user says: `add 2 40` calls the tool add and says its result, `fail NAME`
 * answers with that failure, `add 2 40 then fail NAME` calls the tool before. Everything else is answered with OK.
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
  const asked = textOf(messages.findLast(({ role }) => role === "user"));
  const result = messages.at(-1).role === "tool" ? textOf(messages.at(-1)) : undefined;
  const [, a, b] = /\badd (\d+) (\d+)/.exec(asked) ?? [];
  const [, failure] = /\bfail (\w+)/.exec(asked) ?? [];
  const adds = tools.find((tool) => tool.function.name.endsWith("add"));
  if (a && adds && result === undefined) {
    const call = { name: adds.function.name, arguments: JSON.stringify({ a: Number(a), b: Number(b) }) };
    return whole({ content: null, tool_calls: [{ id: "call_1", type: "function", function: call }] }, "tool_calls");
  }
  if (failure && failures[failure]) {
    const [status, error] = failures[failure];
    return { status, document: { error } };
  }
  return whole({ content: result === undefined ? "OK" : `The sum is ${result}.` }, "stop");
}

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
