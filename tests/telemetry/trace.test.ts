import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
// Modules that the host loads on demand are loaded here first: jest's module linker fails on two overlapping dynamic imports.
import "../../src/telemetry/open-receivers.js";
import "../../src/telemetry/otel.js";
import "../../src/telemetry/otel-metrics.js";
import { openDoor, post, sdk } from "../doors/http/door.js";
import { collect, script, startApp } from "../support/app.js";
import { type Collector, type ReceivedSpan, startCollector } from "../support/collector.js";
import { answer, failure, type LlmServer, startLlmServer, toolCalls } from "../support/llm-server.js";

const caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const weather = { name: "weather__weather", arguments: {} };
const storm = { name: "weather__storm", arguments: {} };
const steps = () => [failure(503), toolCalls([weather, storm]), answer("It is sunny.")];

/** Runs one turn of a host that sends its measurements to the collector. When it resolves, the collector has all of them. */
async function turnTo(
  collector: Collector,
  telemetry: object = {},
  run: (app: Awaited<ReturnType<typeof startApp>>) => Promise<unknown> = (app) =>
    collect(app.sessions.open("c1").prompt({ requestId: "r", text: "How is the weather?", streaming: true })),
): Promise<LlmServer["requests"]> {
  await using llm = await startLlmServer(steps());
  await using app = await startApp({
    llm: llm.url,
    mcpServers: { weather: script("tests/support/mcp-traced.mjs", collector.url) },
    config: { telemetry: { endpoint: collector.url, ...telemetry } },
  });
  await app.ready();
  await run(app);
  return llm.requests;
}

describe("one turn, sent to a collector", () => {
  let collector: Collector;
  let requests: LlmServer["requests"];
  const named = (name: string): ReceivedSpan[] => collector.spans.filter((span) => span.name === name);
  const one = (name: string) => named(name)[0] as ReceivedSpan;

  beforeAll(async () => {
    collector = await startCollector();
    requests = await turnTo(collector, { headers: { Authorization: "Basic c2VjcmV0LW9mLW1pbmU=" } });
  });
  afterAll(async () => collector[Symbol.asyncDispose]());

  test("becomes one tree: the turn, its completions, its calls, and the work of the server in them", () => {
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
    const turn = one("invoke_agent mcp-platform");
    const tree = collector.spans.map(({ name, kind, parentSpanId, service }) => {
      const parent = collector.spans.find(({ spanId }) => spanId === parentSpanId)?.name;
      return [service, kind, name, parent];
    });
    expect(tree.sort()).toEqual([
      ["mcp-platform", 1, turn.name, undefined],
      ["mcp-platform", 3, "chat m1", turn.name],
      ["mcp-platform", 3, "chat m1", turn.name],
      ["mcp-platform", 3, "tools/call storm", turn.name],
      ["mcp-platform", 3, "tools/call weather", turn.name],
      ["weather-server", 2, "tools/call", "tools/call storm"],
      ["weather-server", 2, "tools/call", "tools/call weather"],
    ]);
  });

  test("says in the conventions' words what it was", () => {
    const turnId = `turn_${one("chat m1").traceId}`;
    expect(one("invoke_agent mcp-platform").attributes).toEqual({
      "gen_ai.operation.name": "invoke_agent",
      "gen_ai.agent.name": "mcp-platform",
      "gen_ai.conversation.id": "c1",
      "gen_ai.usage.input_tokens": 20,
      "gen_ai.usage.output_tokens": 10,
      "mcp_platform.turn.id": turnId,
      "mcp_platform.turn.stop_reason": "end_turn",
    });
    expect(one("chat m1").attributes).toEqual({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "test",
      "gen_ai.conversation.id": "c1",
      "gen_ai.request.model": "m1",
      "gen_ai.request.stream": true,
      "gen_ai.response.model": "m1",
      "gen_ai.response.finish_reasons": ["tool_calls"],
      "gen_ai.response.time_to_first_chunk": expect.any(Number),
      "gen_ai.usage.input_tokens": 10,
      "gen_ai.usage.output_tokens": 5,
      "mcp_platform.llm.attempts": 2,
      "server.address": "127.0.0.1",
      "server.port": expect.any(Number),
    });
    expect(one("tools/call weather").attributes).toEqual({
      "gen_ai.operation.name": "execute_tool",
      "mcp.method.name": "tools/call",
      "gen_ai.tool.name": "weather",
      "gen_ai.tool.call.id": "call_1",
      "gen_ai.conversation.id": "c1",
      "mcp_platform.mcp.server": "weather",
      "network.transport": "pipe",
    });
    expect(one("tools/call storm")).toMatchObject({ attributes: { "error.type": "tool_error" }, status: { code: 2 } });
  });

  test("has failed attempts as events of the completion", () => {
    expect(one("chat m1").events.map(({ name, attributes }) => ({ name, attributes }))).toEqual([
      {
        name: "mcp_platform.llm.attempt_failed",
        attributes: {
          "gen_ai.provider.name": "test",
          "gen_ai.request.model": "m1",
          "error.type": "overloaded",
          "http.response.status_code": 503,
          "mcp_platform.llm.is_retried": true,
          "mcp_platform.llm.retry_delay": expect.any(Number),
        },
      },
    ]);
  });

  test("goes to the provider with every attempt, as the completion's span", () => {
    const [first, second] = named("chat m1").map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`);
    expect(requests.map(({ headers }) => headers.traceparent)).toEqual([first, first, second]);
  });

  test("says nothing of what was said, and nothing secret", () => {
    expect(collector.text).not.toMatch(/How is the weather|sunny|sk-test/);
    expect(collector.headers).toContainEqual(expect.objectContaining({ authorization: "Basic c2VjcmV0LW9mLW1pbmU=" }));
  });

  test("has metrics beside it, under the names of the conventions", () => {
    const { metrics } = collector;
    expect(metrics.get("gen_ai.client.operation.duration")).toMatchObject({
      unit: "s",
      points: [{ attributes: { "gen_ai.operation.name": "chat", "gen_ai.request.model": "m1" }, count: 2 }],
    });
    const tokens = metrics.get("gen_ai.client.token.usage")?.points ?? [];
    const byType = tokens.map(({ attributes, value }) => [attributes["gen_ai.token.type"], value]);
    expect(byType.sort()).toEqual([["input", 20], ["output", 10]]); // biome-ignore format: two pairs
    const calls = metrics.get("mcp.client.operation.duration")?.points ?? [];
    expect(calls.map(({ attributes }) => [attributes["gen_ai.tool.name"], attributes["error.type"]]).sort()).toEqual([
      ["storm", "tool_error"],
      ["weather", undefined],
    ]);
    expect(metrics.get("mcp.client.session.duration")?.points).toMatchObject([{ count: 1 }]);
    expect([...metrics.keys()].filter((name) => !/^(gen_ai|mcp|mcp_platform|nodejs)\./.test(name))).toEqual([]);
  });
});

test("what was said is in the spans where the user wants it, without secrets and not without end", async () => {
  await using collector = await startCollector();
  await turnTo(collector, { capture_content: true, max_length: 200 });
  const of = (name: string) => collector.spans.find((span) => span.name === name)?.attributes ?? {};
  const call = of("tools/call weather");
  expect(call["gen_ai.tool.call.arguments"]).toBe("{}");
  expect(call["gen_ai.tool.call.result"]).toBe('[{"type":"text","text":"sunny, with a secret: [redacted]"}]');
  expect(of("chat m1")["gen_ai.input.messages"]).toContain('{"role":"system","parts":[{"type":"text","content":');
  for (const { attributes } of collector.spans)
    for (const value of Object.values(attributes)) expect(String(value).length).toBeLessThan(250);
  expect(collector.text).not.toContain("sk-test");
});

describe("a caller's trace is gone on with", () => {
  const roots = ({ spans }: Collector) =>
    spans
      .filter(({ name }) => name.startsWith("invoke_agent"))
      .map(({ traceId, parentSpanId }) => [traceId, parentSpanId]);
  const expected = [["4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"]];

  test("from a header of the network door, with its state", async () => {
    await using collector = await startCollector();
    await turnTo(collector, {}, async (app) => {
      await using door = await openDoor(app);
      const headers = { traceparent: caller, tracestate: "vendor=a" };
      const messages = [{ role: "user" as const, content: "weather?" }];
      await sdk(door).chat.completions.create({ model: "mcp-platform", messages }, { headers });
    });
    expect(roots(collector)).toEqual(expected);
    expect(new Set(collector.spans.map(({ traceId }) => traceId)).size).toBe(1);
    expect(collector.spans.find(({ service }) => service === "weather-server")?.traceState).toBe("vendor=a");
  });

  test("from _meta of an MCP client", async () => {
    await using collector = await startCollector();
    await turnTo(collector, {}, async (app) => {
      await using door = await openDoor(app);
      const params = { name: "chat", arguments: { prompt: "weather?" }, _meta: { traceparent: caller } };
      await initialized(door.url, { jsonrpc: "2.0", id: 2, method: "tools/call", params });
    });
    expect(roots(collector)).toEqual(expected);
  });

  test("is not sent if the caller does not keep it, and servers get to know that", async () => {
    await using collector = await startCollector();
    let requests: LlmServer["requests"] = [];
    requests = await turnTo(collector, {}, async (app) => {
      await using door = await openDoor(app);
      const body = { request_id: "r", text: "weather?", streaming: false };
      await post(`${door.url}/api/sessions/c/turns`, body, { traceparent: caller.replace(/01$/, "00") });
      await app.sessions.open("c").turns.idle();
    });
    expect(requests[0]?.headers.traceparent).toMatch(/^00-4bf92f3577b34da6a3ce929d0e0e4736-.*-00$/);
    expect(collector.spans).toEqual([]);
    expect(collector.metrics.has("gen_ai.client.operation.duration")).toBe(true);
  });
});

test("the query of the collector's address stays behind the path", async () => {
  await using collector = await startCollector();
  await turnTo(collector, { endpoint: `${collector.url}/?key=1` });
  const paths = [...collector.paths].filter((path) => path.includes("?")).sort(); // the server of the test sends without a query
  expect(paths).toEqual(["/v1/metrics?key=1", "/v1/traces?key=1"]);
});

test("the longest stall of the event loop goes to the collector", async () => {
  await using collector = await startCollector();
  await turnTo(collector, {}, async (app) => {
    await collect(app.sessions.open("c").prompt({ requestId: "r", text: "weather?" }));
    const until = performance.now() + 200;
    while (performance.now() < until);
  });
  const { unit, points } = collector.metrics.get("nodejs.eventloop.delay.max") ?? {};
  expect([unit, points]).toEqual(["s", [{ attributes: {}, value: expect.any(Number) }]]);
  expect(points?.[0]?.value).toBeGreaterThan(0.19);
});

/** Sends a request as an MCP client that is already initialized. */
async function initialized(url: string, request: object): Promise<void> {
  const headers = { accept: "application/json, text/event-stream", "content-type": "application/json" };
  const clientInfo = { name: "test", version: "1" };
  const hello = { protocolVersion: "2025-11-25", capabilities: {}, clientInfo };
  const begun = await post(`${url}/mcp`, { jsonrpc: "2.0", id: 1, method: "initialize", params: hello }, headers);
  await begun.text();
  const session = { ...headers, "mcp-session-id": begun.headers.get("mcp-session-id") ?? "" };
  await post(`${url}/mcp`, { jsonrpc: "2.0", method: "notifications/initialized" }, session);
  await (await post(`${url}/mcp`, request, session)).text();
}
