import { readFileSync } from "node:fs";
import { LLMock } from "@copilotkit/aimock";

/** Starts aimock with fixtures for the additions of the test turns and for the questions of `doctor --live`. */
export async function startAimock() {
  const mock = new LLMock({ port: 0, chunkSize: 8 });
  for (const [a, b] of [
    [2, 40],
    [20, 3],
  ]) {
    const userMessage = `a=${a} and b=${b}`;
    const call = { name: "demo__add", arguments: JSON.stringify({ a, b }) };
    mock.addFixture({ match: { userMessage, hasToolResult: false }, response: { toolCalls: [call] } });
    mock.addFixture({ match: { userMessage, hasToolResult: true }, response: { content: `The sum is ${a + b}.` } });
  }
  const probe = { name: "mcp_platform_doctor", arguments: JSON.stringify({ word: "works" }) };
  mock.addFixture({ match: { userMessage: probe.name, hasToolResult: false }, response: { toolCalls: [probe] } });
  mock.addFixture({ match: { userMessage: probe.name, hasToolResult: true }, response: { content: "It works." } });
  mock.addFixture({ match: { userMessage: "works" }, response: { content: "works" } });
  await mock.start();
  const { version } = JSON.parse(readFileSync("node_modules/@copilotkit/aimock/package.json", "utf8"));
  return { origin: mock.url, version, stop: () => mock.stop() };
}
