import { inspect } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { HttpConfig, ProviderConfig } from "../../../src/core/config.js";
import { type Certificates, canMakeCertificates, makeCertificates } from "../../support/certificates.js";
import { startProxy, type Treatment } from "../../support/http-proxy.js";
import { httpConfig, llmConfig } from "../../support/llm-config.js";
import {
  answer,
  chunk,
  cutStream,
  failure,
  type Step,
  stall,
  startLlmServer,
  stream,
  toolCalls,
} from "../../support/llm-server.js";
import { clientWith } from "../client-of.js";

const hasOpenssl = canMakeCertificates();
const withTls = hasOpenssl ? describe : describe.skip;
if (!hasOpenssl) process.stderr.write("no openssl command: the tests of TLS through proxies are SKIPPED\n");

function clientBehind(
  url: string,
  env: Record<string, string>,
  http: Partial<HttpConfig> = {},
  provider: ProviderConfig = {},
) {
  return clientWith(llmConfig(url, http, provider), env);
}

withTls("an https provider behind a proxy", () => {
  let certificates: Certificates;
  beforeAll(() => {
    certificates = makeCertificates();
  });
  afterAll(() => certificates[Symbol.dispose]());

  const trusting = (http: Partial<HttpConfig> = {}) => ({ caFile: certificates.caFile, ...http });

  test("20 requests through HTTPS_PROXY cause one CONNECT and one TLS handshake", async () => {
    await using server = await startLlmServer(() => answer("hello"), certificates);
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url }, trusting());
    for (let count = 0; count < 20; count++) await ends.ask({ streaming: count % 2 === 0 });
    expect(server.requests).toHaveLength(20);
    expect(proxy.connects).toHaveLength(1);
    expect(proxy.connects[0]?.target).toBe(new URL(server.url).host);
    expect(server).toMatchObject({ connections: 1, handshakes: 1 });
  });

  test("many at once open no more tunnels than max_connections, and keep max_keepalive_connections", async () => {
    const held: (() => void)[] = [];
    let areHeld = true;
    const hello = answer("hello");
    const step: Step = (response, request) => {
      if (areHeld) held.push(() => hello(response, request));
      else hello(response, request);
    };
    await using server = await startLlmServer(() => step, certificates);
    await using proxy = await startProxy();
    const http = trusting({ maxConnections: 3, maxKeepaliveConnections: 1 });
    await using ends = clientBehind(server.url, {}, { ...http, proxy: proxy.url });
    const answers = Promise.all(Array.from({ length: 12 }, () => ends.ask({ streaming: true })));
    while (held.length < 3) await new Promise(setImmediate);
    expect(proxy.connects).toHaveLength(3);
    areHeld = false;
    for (const release of held) release();
    await answers;
    while (proxy.openTunnels > 1) await new Promise(setImmediate);
  });

  test("a tunnel that is idle is closed after keepalive_expiry", async () => {
    await using server = await startLlmServer(() => answer("hello"), certificates);
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url }, trusting({ keepaliveExpiryMs: 50 }));
    await ends.ask({ streaming: true });
    await server.idle();
    while (proxy.openTunnels > 0) await new Promise(setImmediate);
  });

  test("a failed attempt is repeated in the same tunnel, one that broke in another", async () => {
    await using server = await startLlmServer(
      [
        failure(503),
        failure(429),
        toolCalls([{ name: "f", arguments: {} }]),
        stream([chunk({}), cutStream]),
        answer("two"),
      ],
      certificates,
    );
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url }, trusting());
    expect((await ends.ask({ streaming: true })).attempts).toBe(3);
    expect(proxy.connects).toHaveLength(1);
    expect(await ends.ask({ streaming: true })).toMatchObject({ message: { content: "two" }, attempts: 2 });
    expect(proxy.connects).toHaveLength(2);
  });

  test("the proxy itself may be reached by TLS", async () => {
    await using server = await startLlmServer(() => answer("hello"), certificates);
    await using proxy = await startProxy(undefined, certificates);
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url }, trusting());
    for (let count = 0; count < 3; count++) await ends.ask({ streaming: true });
    expect(proxy.connects).toHaveLength(1);
  });

  test("a long answer comes through whole", async () => {
    const text = "0123456789abcdef ".repeat(60_000).trim();
    await using server = await startLlmServer(() => answer(text), certificates);
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url }, trusting());
    expect((await ends.ask({ streaming: false })).message.content).toBe(text);
  });

  test("cancelling in the middle of an answer closes the tunnel", async () => {
    await using server = await startLlmServer([stream([chunk({ content: "Hel" }), stall])], certificates);
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url }, trusting());
    const controller = new AbortController();
    const failed = ends.fails({ streaming: true, signal: controller.signal, onDelta: () => controller.abort() });
    expect((await failed).kind).toBe("aborted");
    await server.idle();
  });

  test("only the proxy gets the password of its URL", async () => {
    await using server = await startLlmServer(() => answer("hello"), certificates);
    await using proxy = await startProxy();
    const url = proxy.url.replace("http://", "http://me:s3cr3t-pass@");
    await using ends = clientBehind(server.url, { HTTPS_PROXY: url }, trusting({ maxRetries: 0 }));
    await ends.ask({ streaming: true });
    const authorization = `Basic ${Buffer.from("me:s3cr3t-pass").toString("base64")}`;
    expect(proxy.connects[0]?.headers["proxy-authorization"]).toBe(authorization);
    expect(proxy.connects[0]?.headers.authorization).toBeUndefined();
    expect(server.requests[0]?.headers["proxy-authorization"]).toBeUndefined();
    expect(server.requests[0]?.headers.authorization).toBe("Bearer sk-test-0123456789");

    await using refused = clientBehind(server.url, { HTTPS_PROXY: url }, trusting({ maxRetries: 0 }));
    proxy.treatment = 502;
    const dump = inspect([await refused.fails({ streaming: true }), ends.observed, refused.observed], { depth: 10 });
    expect(dump).toContain(proxy.name);
    expect(dump).not.toMatch(/s3cr3t-pass|me:|Basic/);
  });

  test("the error of an untrusted certificate comes through the tunnel", async () => {
    await using server = await startLlmServer([], certificates);
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url });
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "connect", attempts: 1, retryable: false });
    expect(error.hint).toContain("llm.http.ca_file");
  });

  test("a host in NO_PROXY is reached directly", async () => {
    await using server = await startLlmServer([answer("hello")], certificates);
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTPS_PROXY: proxy.url, NO_PROXY: "127.0.0.1" }, trusting());
    await ends.ask({ streaming: true });
    expect(proxy.connects).toHaveLength(0);
  });
});

describe("a proxy that does not let us through", () => {
  const apiAddress = "https://api.example.com/v1";

  test.each<[Treatment, string, number]>([
    [407, "answered 407", 1],
    [403, "answered 403", 1],
    [502, "answered 502", 3],
    [503, "answered 503", 3],
    ["close", "closed the connection instead of answering", 3],
    ["nonsense", "does not speak HTTP", 1],
  ])("%s", async (treatment, said, attempts) => {
    await using proxy = await startProxy();
    proxy.treatment = treatment;
    await using ends = clientBehind(apiAddress, { HTTPS_PROXY: `http://u:hidden@${proxy.name}` }, { maxRetries: 2 });
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "connect", attempts, retryable: attempts > 1 });
    expect(error.message).toBe(`test/m1: the proxy ${proxy.name} ${said}`);
    expect(error.hint).toContain(treatment === 407 ? "http://name:password@host:port" : "Check the proxy");
    expect(proxy.connects.map(({ target }) => target)).toEqual(Array(attempts).fill("api.example.com:443"));
  });

  test("a proxy that does not answer counts as a connect failure, and the error names it", async () => {
    await using proxy = await startProxy();
    proxy.treatment = "silence";
    await using ends = clientBehind(apiAddress, { HTTPS_PROXY: proxy.url }, { maxRetries: 0, connectTimeoutMs: 50 });
    const error = await ends.fails({ streaming: true });
    expect(error.kind).toBe("connect_timeout");
    expect(error.message).toContain(`within 50 ms (llm.http.connect_timeout) through the proxy ${proxy.name}`);
  });

  test("nobody listens at its address", async () => {
    const proxy = await startProxy();
    await proxy[Symbol.asyncDispose]();
    await using ends = clientBehind(apiAddress, { HTTPS_PROXY: proxy.url }, { maxRetries: 1 });
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "connect", attempts: 2, retryable: true });
    expect(error.message).toContain(`the proxy ${proxy.name} connect ECONNREFUSED`);
  });

  test("an address of another kind of proxy is refused before anything is sent", async () => {
    await using ends = clientBehind(apiAddress, { ALL_PROXY: "socks5://127.0.0.1:1080" });
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "bad_request", retryable: false });
    expect(error.message).toContain("ALL_PROXY is not the URL of an HTTP proxy");
    expect(error.hint).toContain("llm.http.proxy");
  });
});

describe("a plain http provider", () => {
  const apiAddress = "http://api.example.com/v1";

  test("on this machine is asked directly, whatever the environment says", async () => {
    await using server = await startLlmServer([answer("hello")]);
    await using proxy = await startProxy();
    await using ends = clientBehind(server.url, { HTTP_PROXY: proxy.url, ALL_PROXY: proxy.url });
    await ends.ask({ streaming: true });
    expect(proxy.requests).toHaveLength(0);
  });

  test("is asked through llm.http.proxy by its whole URL, over one connection", async () => {
    await using server = await startLlmServer(() => answer("hello"));
    await using proxy = await startProxy();
    await using ends = clientBehind(`${server.url}?tenant=7`, {}, { proxy: `http://me:pw@${proxy.name}` });
    for (let count = 0; count < 3; count++) await ends.ask({ streaming: true });
    expect(proxy.requests).toHaveLength(3);
    expect(proxy.requests[0]).toMatchObject({
      url: `${server.url}/chat/completions?tenant=7`,
      headers: {
        host: new URL(server.url).host,
        authorization: "Bearer sk-test-0123456789",
        "proxy-authorization": `Basic ${Buffer.from("me:pw").toString("base64")}`,
      },
    });
    expect(ends.observed.filter(({ level }) => level === "warn")).toEqual([]);
  });

  test("is asked through the environment's proxy on the Internet, and the log warns once that the proxy can read everything", async () => {
    await using server = await startLlmServer(() => answer("hello"));
    await using proxy = await startProxy(Number(new URL(server.url).port));
    await using ends = clientBehind(apiAddress, { http_proxy: `http://me:pw@${proxy.name}` });
    for (let count = 0; count < 3; count++) await ends.ask({ streaming: true });
    expect(proxy.requests.map(({ url }) => url)).toEqual(Array(3).fill(`${apiAddress}/chat/completions`));
    const warnings = ends.observed.filter(({ level }) => level === "warn");
    expect(warnings).toEqual([
      {
        level: "warn",
        scope: "llm",
        message: `requests to api.example.com go unencrypted through the proxy ${proxy.name}, which can read the key and the prompts`,
        fields: { host: "api.example.com", proxy: proxy.name },
      },
    ]);
  });

  test("is not sent again when the proxy wants a password", async () => {
    await using proxy = await startProxy();
    proxy.treatment = 407;
    await using ends = clientBehind(apiAddress, { HTTP_PROXY: proxy.url });
    const error = await ends.fails({ streaming: true });
    expect(error).toMatchObject({ kind: "connect", attempts: 1, retryable: false });
    expect(error.hint).toContain("http://name:password@host:port");
  });
});

test("an environment without proxies and an empty llm.http.proxy are the same", async () => {
  await using server = await startLlmServer(() => answer("hello"));
  await using ends = clientBehind(server.url, { HTTP_PROXY: "http://127.0.0.1:9" }, { ...httpConfig, proxy: "" });
  await ends.ask({ streaming: false });
  expect(server.connections).toBe(1);
});
