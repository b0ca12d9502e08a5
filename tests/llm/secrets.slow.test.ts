import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { errorInfo, type LlmError } from "../../src/core/errors.js";
import type { CompletionRequest } from "../../src/core/messages.js";
import { configFor, Workplace } from "../support/cli.js";
import { startProxy, type TestProxy, type Treatment } from "../support/http-proxy.js";
import { failure, startLlmServer } from "../support/llm-server.js";
import { headerSecret, key, prompt, proxyPassword, secretIn, spills, system } from "../support/spilling.js";
import { clientOf } from "./client-of.js";

/**
 * A provider, proxy or gateway may repeat anything: errors and log lines still contain no keys, no passwords and nothing of the
 * conversation.
 */

const request: CompletionRequest = {
  messages: [
    { role: "system", content: system },
    { role: "user", content: [{ type: "text", text: prompt }] },
  ],
  tools: [],
};
const secretProvider = { apiKey: key, headers: { "X-Tenant": headerSecret } };

/** Returns an error in every form in which it can be printed. */
function views(error: LlmError): string {
  return [
    inspect(error, { depth: 10, showHidden: true, getters: true }),
    JSON.stringify(error),
    JSON.stringify({ ...error }),
    JSON.stringify(errorInfo(error)),
    String(error),
    error.stack,
    inspect(error.cause, { depth: 10, showHidden: true }),
  ].join("\n");
}

describe.each([{ streaming: true }, { streaming: false }])("streaming: $streaming", ({ streaming }) => {
  test.each(spills)("$name", async ({ step, http, provider }) => {
    await using server = await startLlmServer(() => step);
    await using ends = clientOf(server, { maxRetries: 1, ...http }, { ...secretProvider, ...provider });
    const outcome: unknown = await ends.ask({ streaming }, request).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(secretIn(views(outcome as LlmError))).toBeUndefined();
    expect(secretIn(JSON.stringify(ends.observed))).toBeUndefined();
  });
});

describe("a proxy with a password", () => {
  let proxy: TestProxy;
  beforeAll(async () => {
    proxy = await startProxy();
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
  });

  test.each<[string, Treatment]>([
    ["wants another one", 407],
    ["refuses", 403],
    ["is overloaded", 503],
    ["closes", "close"],
    ["speaks another language", "nonsense"],
  ])("keeps it out of errors and log lines when it %s", async (_name, treatment) => {
    proxy.treatment = treatment;
    const url = new URL(proxy.url);
    url.username = "user";
    url.password = proxyPassword;
    for (const baseUrl of ["http://provider.test/v1", "https://provider.test/v1"]) {
      await using ends = clientOf({ url: baseUrl }, { proxy: url.href, maxRetries: 1, timeoutMs: 500 }, secretProvider);
      const error = (await ends.ask({ streaming: true }, request).catch((thrown: unknown) => thrown)) as LlmError;
      expect(error).toBeInstanceOf(Error);
      expect(secretIn(views(error))).toBeUndefined();
      expect(secretIn(JSON.stringify(ends.observed))).toBeUndefined();
    }
  });

  test("keeps it out of errors when its address is invalid", async () => {
    const proxyUrl = `ftp://user:${proxyPassword}@nowhere`;
    await using ends = clientOf({ url: "https://provider.test/v1" }, { proxy: proxyUrl }, secretProvider);
    const error = (await ends.ask({ streaming: true }, request).catch((thrown: unknown) => thrown)) as LlmError;
    expect(error).toBeInstanceOf(Error);
    expect(secretIn(views(error))).toBeUndefined();
  });
});

describe("a fallback and several keys", () => {
  test("neither key is told when both are refused", async () => {
    const [step] = spills.map((spill) => spill.step);
    await using server = await startLlmServer(() => step ?? failure(401));
    const keys = { apiKey: undefined, apiKeys: [key, `${key}-2`] };
    await using ends = clientOf(server, { maxRetries: 1 }, { ...secretProvider, ...keys });
    const error = (await ends.ask({ streaming: true }, request).catch((thrown: unknown) => thrown)) as LlmError;
    expect(error).toMatchObject({ kind: "auth" });
    expect(secretIn(views(error) + JSON.stringify(ends.observed))).toBeUndefined();
  });
});

describe("the command line at --log-level debug", () => {
  const names = [
    "401 that repeats the key",
    "400 that repeats the whole request as JSON",
    "an error after the first words",
  ];
  test.each(spills.filter(({ name }) => names.includes(name)))("$name", async ({ step }) => {
    await using server = await startLlmServer(() => step);
    using place = new Workplace();
    const config = configFor(server.url, {}, { chat: { service: { system_prompt: system } } }) as {
      llm: { providers: { test: object } };
    };
    Object.assign(config.llm.providers.test, { api_key: key, headers: { "X-Tenant": headerSecret } });
    place.configure(config);
    for (const format of ["json", "text"]) {
      const { exitCode, stdout, stderr } = await place.run([
        ...["--log-level", "debug", "run", prompt, "--output-format", format],
      ]);
      expect(exitCode).not.toBe(0);
      expect(secretIn(stderr)).toBeUndefined();
      expect(secretIn(stdout)).toBeUndefined();
    }
  });
});
