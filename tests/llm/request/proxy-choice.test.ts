import { describe, expect, test } from "@jest/globals";
import { proxyTo } from "../../../src/llm/connection/proxy.js";

const api = "https://api.openai.com/v1";
const env = { HTTPS_PROXY: "http://secure:1", HTTP_PROXY: "http://plain:2", ALL_PROXY: "http://all:3" };

function chosen(url: string, configured: string | undefined, env: Record<string, string> = {}): string | undefined {
  return proxyTo(new URL(url), configured, env)?.name;
}

describe("the choice of a proxy", () => {
  test.each<[string, string, string | undefined, Record<string, string>, string | undefined]>([
    ["none", api, undefined, {}, undefined],
    ["HTTPS_PROXY for https", api, undefined, env, "secure:1"],
    ["HTTP_PROXY for http", "http://api.example.com/v1", undefined, env, "plain:2"],
    ["ALL_PROXY where the other is not set", api, undefined, { ALL_PROXY: "http://all:3" }, "all:3"],
    ["small letters first", api, undefined, { ...env, https_proxy: "http://small:4" }, "small:4"],
    ["an empty variable is none", api, undefined, { HTTPS_PROXY: " " }, undefined],
    ["a proxy without a scheme", api, undefined, { HTTPS_PROXY: "corp:8080" }, "corp:8080"],
    ["the usual ports", api, undefined, { HTTPS_PROXY: "https://corp" }, "corp:443"],
    ["llm.http.proxy wins", api, "http://own:5", env, "own:5"],
    ["llm.http.proxy wins over NO_PROXY", api, "http://own:5", { NO_PROXY: "*" }, "own:5"],
    ['"" turns proxies off', api, "", env, undefined],
  ])("%s", (_name, url, configured, env, expected) => {
    expect(chosen(url, configured, env)).toBe(expected);
  });
});

describe("NO_PROXY", () => {
  const cases: [string, string, boolean][] = [
    ["*", api, true],
    ["api.openai.com", api, true],
    ["openai.com", api, true],
    [".openai.com", api, true],
    ["*.openai.com", api, true],
    ["OpenAI.com", api, true],
    ["ai.com", api, false],
    ["example.com, openai.com", api, true],
    ["example.com openai.com", api, true],
    ["api.openai.com:443", api, true],
    ["api.openai.com:8443", api, false],
    ["openai.com:8443", "https://api.openai.com:8443/v1", true],
    ["8.8.8.8", "https://8.8.8.8/v1", true],
    ["8.8.8.8:9", "https://8.8.8.8/v1", false],
    ["[2001:db8::1]", "https://[2001:db8::1]/v1", true],
    ["2001:db8::1", "https://[2001:db8::1]/v1", true],
    ["[2001:db8::1]:443", "https://[2001:db8::1]/v1", true],
    ["", api, false],
    [",", api, false],
  ];
  test.each(cases)("%s: %s, exempt: %s", (list, url, exempt) => {
    expect(chosen(url, undefined, { ...env, NO_PROXY: list })).toBe(exempt ? undefined : "secure:1");
    expect(chosen(url, undefined, { ...env, no_proxy: list })).toBe(exempt ? undefined : "secure:1");
  });
});

describe("plain HTTP to this machine or its network goes past the environment's proxy", () => {
  test.each([
    "http://localhost:11434/v1",
    "http://127.0.0.1:11434/v1",
    "http://127.8.8.8/v1",
    "http://[::1]:8080/v1",
    "http://0.0.0.0:8080/v1",
    "http://10.1.2.3/v1",
    "http://172.31.0.1/v1",
    "http://192.168.1.5:1234/v1",
    "http://169.254.1.1/v1",
    "http://[fd00::1]/v1",
    "http://ollama:11434/v1",
    "http://gpu.local/v1",
    "http://host.docker.internal:11434/v1",
  ])("%s", (url) => {
    expect(chosen(url, undefined, { HTTP_PROXY: "http://corp:1", ALL_PROXY: "http://corp:1" })).toBeUndefined();
  });

  test.each(["http://172.32.0.1/v1", "http://8.8.8.8/v1", "http://[2001:db8::1]/v1", "http://my.example.com/v1"])(
    "%s does not",
    (url) => {
      expect(chosen(url, undefined, { HTTP_PROXY: "http://corp:1" })).toBe("corp:1");
    },
  );

  test("a proxy elsewhere is never asked for a loopback address, which would mean the proxy's own machine", () => {
    expect(chosen("http://127.0.0.1:11434/v1", "http://corp:1")).toBeUndefined();
    expect(chosen("https://localhost/v1", undefined, env)).toBeUndefined();
    expect(chosen("http://127.0.0.1:11434/v1", "http://127.0.0.1:8888")).toBe("127.0.0.1:8888");
    expect(chosen("http://10.0.0.7/v1", "http://corp:1")).toBe("corp:1");
  });
});

test.each(["socks5://corp:1080", "http://", "://", "http://[", "ftp://corp"])(
  "%s is refused, by the name of the variable and without its value",
  (value) => {
    const secret = value.replace("://", "://me:secret@");
    const choose = () => chosen(api, undefined, { HTTPS_PROXY: secret });
    expect(choose).toThrow(/^HTTPS_PROXY is not the URL of an HTTP proxy$/);
    expect(() => chosen(api, secret)).toThrow(/^llm.http.proxy is not the URL of an HTTP proxy$/);
  },
);

test("a plain http provider cannot be reached through an https:// proxy, and is not tried to", () => {
  expect(() => chosen("http://api.example.com/v1", "https://corp")).toThrow(/^llm.http.proxy is an https:\/\/ proxy/);
});

test("name and password of the URL become Proxy-Authorization, and no part of the name", () => {
  const proxy = proxyTo(new URL(api), "http://me:p%40ss100%@corp:3128", {});
  expect(proxy).toMatchObject({
    name: "corp:3128",
    authorization: `Basic ${Buffer.from("me:p@ss100%").toString("base64")}`,
  });
});
