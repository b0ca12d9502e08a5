/** The breaker in a client. The rules of the breaker itself are in breaker.test.ts. */
import { expect, test } from "@jest/globals";
import type { Observation } from "../../../src/core/ports.js";
import { LlmClient } from "../../../src/llm/client.js";
import { llmConfig } from "../../support/llm-config.js";
import { answer, chunk, failure, startLlmServer, stream } from "../../support/llm-server.js";
import { until } from "../../support/mcp-hub.js";
import { Signal } from "../../support/signal.js";
import { baseRequest } from "../client-of.js";

const call = (written: string) =>
  chunk({ tool_calls: [{ index: 0, id: "c", function: { name: "fs__read", arguments: written } }] });

test.each([
  ["text", chunk({ content: "be" }), chunk({ content: "gun" }, "stop")],
  ["the arguments of a tool call", call('{"path":"a'), chunk({ content: "begun" }, "tool_calls")],
])(
  "after an outage all calls are answered again while %s of the trial's answer is being streamed",
  async (_, ...pieces) => {
    const [begun, ended] = [new Signal(), new Signal()];
    const pause = () => {
      begun.give();
      return ended.given;
    };
    const slow = stream([pieces[0], pause, pieces[1], "data: [DONE]\n\n"]);
    await using server = await startLlmServer([...Array.from({ length: 5 }, () => failure(500)), slow, answer("hi")]);
    let now = 0;
    const config = llmConfig(server.url, { maxRetries: 0 });
    const observed: string[] = [];
    const observe = ({ message }: Observation) => observed.push(message);
    const client = new LlmClient(config, { env: {}, observe, steadyNow: () => now });
    const ask = () =>
      client.complete(baseRequest, { streaming: true }, () => {}).then(({ message }) => message.content);
    for (let count = 0; count < 5; count++) await expect(ask()).rejects.toMatchObject({ kind: "server" });
    now += 10_000;
    const long = ask();
    await begun.given;
    await until(() => observed.at(-1) === "answers again");
    expect(await ask()).toBe("hi");
    ended.give();
    expect(await long).toBe("begun");
    await client.close();
  },
);
