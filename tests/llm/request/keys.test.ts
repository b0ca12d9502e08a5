import { inspect } from "node:util";
import { describe, expect, test } from "@jest/globals";
import { LlmClient } from "../../../src/llm/client.js";
import { llmConfig } from "../../support/llm-config.js";
import { answer, failure, type LlmServer, startLlmServer } from "../../support/llm-server.js";
import { baseRequest, clientWith } from "../client-of.js";

const allKeys = ["key-number-one", "key-number-two", "key-number-three"];
const hi = answer("hi");

function clientOfKeys(server: LlmServer, apiKeys: readonly string[] = allKeys, env: Record<string, string> = {}) {
  return clientWith(llmConfig(server.url, {}, { apiKey: undefined, apiKeys }), env);
}

/** Returns the number of the key in each request, from 1. */
function used({ requests }: LlmServer, keys = allKeys): number[] {
  return requests.map(({ headers }) => keys.indexOf(String(headers.authorization).replace("Bearer ", "")) + 1);
}

describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
  test("keys are used in turn", async () => {
    await using server = await startLlmServer([hi, hi, hi, hi]);
    await using ends = clientOfKeys(server);
    for (let count = 0; count < 4; count++) await ends.ask({ streaming });
    expect(used(server)).toEqual([1, 2, 3, 1]);
  });

  test.each([401, 403, 402, 429])("%i: the next key is used at once, and the refused one not again", async (status) => {
    await using server = await startLlmServer([failure(status), hi, hi, hi, hi]);
    await using ends = clientOfKeys(server);
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 2 });
    for (let count = 0; count < 3; count++) await ends.ask({ streaming });
    expect(used(server)).toEqual([1, 2, 3, 2, 3]);
    expect(ends.observed).toContainEqual(
      expect.objectContaining({ level: "warn", fields: expect.objectContaining({ provider: "test", key: 1 }) }),
    );
  });

  test("a change of keys does not count as a retry", async () => {
    await using server = await startLlmServer([failure(401), failure(429), failure(500), hi]);
    await using ends = clientWith(llmConfig(server.url, { maxRetries: 1 }, { apiKeys: allKeys, apiKey: undefined }));
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 4 });
    expect(used(server)).toEqual([1, 2, 3, 3]);
  });

  test("when all are refused the last refusal is the error, and the provider is asked again next time", async () => {
    await using server = await startLlmServer([failure(401), failure(403), failure(401), hi]);
    await using ends = clientOfKeys(server);
    expect(await ends.fails({ streaming })).toMatchObject({ kind: "auth", status: 401, attempts: 3 });
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 1 });
    expect(used(server)).toEqual([1, 2, 3, 3]);
  });

  test("when all are at their rate limit the request waits as for a single key", async () => {
    const limited = failure(429, { headers: { "retry-after-ms": "20" } });
    await using server = await startLlmServer([limited, limited, limited, hi]);
    await using ends = clientOfKeys(server);
    expect(await ends.ask({ streaming })).toMatchObject({ attempts: 4 });
    expect(used(server).slice(0, 3)).toEqual([1, 2, 3]);
  });

  test("errors and logs contain no key", async () => {
    const body = { error: { message: `refused: ${allKeys.join(" ")}`, code: "invalid_api_key" } };
    await using server = await startLlmServer(() => failure(401, { body }));
    await using ends = clientOfKeys(server);
    const error = await ends.fails({ streaming });
    expect(inspect([error, ends.observed], { depth: 10, showHidden: true })).not.toMatch(/key-number/);
    expect(error.message).toContain("refused: *** *** ***");
  });
});

test("errors do not contain a secret in the query of the address", async () => {
  const body = { error: { message: "bad /v1/chat/completions?sig=Zq10Xw7kPv109LmT2" } };
  await using server = await startLlmServer([failure(403, { body })]);
  await using ends = clientWith(llmConfig(`${server.url}?sig=Zq10Xw7kPv109LmT2`), {});
  const { message } = await ends.fails({ streaming: true });
  expect(message).toContain("?sig=***");
});

/** Sends a request at each of these times, in ms. Returns the number of the key in each request. */
async function usedAt(times: readonly number[], server: LlmServer): Promise<number[]> {
  let sinceMs = 0;
  const client = new LlmClient(llmConfig(server.url, {}, { apiKey: undefined, apiKeys: allKeys }), {
    env: {},
    observe: () => {},
    steadyNow: () => performance.now() + sinceMs,
  });
  for (const ms of times) {
    sinceMs = ms;
    await client.complete(baseRequest, { streaming: true });
  }
  await client.close();
  return used(server);
}

test.each([429, 402])("%i: a key rests for as long as the provider says", async (status) => {
  await using server = await startLlmServer([
    failure(status, { headers: { "retry-after": "30" } }),
    hi,
    hi,
    hi,
    hi,
    hi,
  ]);
  expect(await usedAt([0, 20_000, 20_000, 31_000, 31_000], server)).toEqual([1, 2, 3, 2, 3, 1]);
});

test("a used-up key rests for ten minutes unless the provider says how long", async () => {
  await using server = await startLlmServer([failure(402), hi, hi, hi, hi, hi]);
  expect(await usedAt([0, 590_000, 590_000, 601_000, 601_000], server)).toEqual([1, 2, 3, 2, 3, 1]);
});

test("a conversation always uses the same key", async () => {
  await using server = await startLlmServer(() => hi);
  await using ends = clientOfKeys(server);
  for (const conversation of ["c0", "c1", "c2", "c3", "c0", "c1", "c2", "c3"]) {
    await ends.ask({ streaming: true }, { ...baseRequest, conversation });
  }
  const keys = used(server);
  expect(keys.slice(4)).toEqual(keys.slice(0, 4));
  expect(new Set(keys).size).toBeGreaterThan(1);
});

test("any number of refused keys is tried, whatever the retry budget", async () => {
  const keys = Array.from({ length: 30 }, (_, at) => `key-${at}`);
  await using server = await startLlmServer(({ headers }) =>
    headers.authorization === "Bearer key-29" ? hi : failure(401),
  );
  await using ends = clientOfKeys(server, keys);
  expect(await ends.ask({ streaming: true })).toMatchObject({ attempts: 30 });
});

test("the environment's variable may hold several keys, and wins over api_key; api_keys come after", async () => {
  await using server = await startLlmServer([hi, hi, hi, hi]);
  const config = llmConfig(server.url, {}, { apiKey: "not-used", apiKeys: ["key-c", "key-a"] });
  await using ends = clientWith(config, { TEST_API_KEY: " key-a, key-b,\n" });
  for (let count = 0; count < 4; count++) await ends.ask({ streaming: true });
  expect(used(server, ["key-a", "key-b", "key-c"])).toEqual([1, 2, 3, 1]);
});
