import { expect, test } from "@jest/globals";
import * as stable from "@opentelemetry/semantic-conventions";
import * as incubating from "@opentelemetry/semantic-conventions/incubating";
import * as names from "../../src/telemetry/metric-names.js";

/** Returns the values of the package whose names begin with this prefix. */
const known = (prefix: string): unknown[] =>
  Object.entries({ ...stable, ...incubating })
    .filter(([name]) => name.startsWith(prefix))
    .map(([, value]) => value);

const isOurs = (name: string) => name.startsWith("mcp_platform.");

test("every attribute and metric is of the semantic conventions, or says that it is ours", () => {
  const attributes = Object.values(names.attributes).filter((name) => !isOurs(name));
  const metrics = Object.values(names.metrics).filter((name) => !isOurs(name));
  expect(attributes.filter((name) => !known("ATTR_").includes(name))).toEqual([]);
  expect(metrics.filter((name) => !known("METRIC_").includes(name))).toEqual([]);
  expect([attributes.length, metrics.length]).toEqual([expect.any(Number), 6]);
  expect(attributes.length).toBeGreaterThan(25);
});

test("every value that the conventions have a list of is on it", () => {
  expect(known("GEN_AI_OPERATION_NAME_VALUE_")).toEqual(expect.arrayContaining(Object.values(names.operations)));
  expect(known("MCP_METHOD_NAME_VALUE_")).toEqual(expect.arrayContaining(Object.values(names.methods)));
  expect(known("GEN_AI_TOKEN_TYPE_VALUE_")).toEqual(expect.arrayContaining(Object.values(names.tokenTypes)));
  expect(known("NETWORK_TRANSPORT_VALUE_")).toEqual(expect.arrayContaining(Object.values(names.transports)));
  const providers = ["openai", "anthropic", "groq", "deepseek", "azure", "gemini", "mistral"].map(names.providerName);
  expect(known("GEN_AI_PROVIDER_NAME_VALUE_")).toEqual(expect.arrayContaining(providers));
});

test("a name has no dots for Prometheus, and says its unit", () => {
  expect(names.prometheusName("mcp_platform.llm.cost", "USD", true)).toBe("mcp_platform_llm_cost_usd_total");
  expect(names.prometheusName(names.metrics.completionDuration, "s")).toBe("gen_ai_client_operation_duration_seconds");
});
