import { spawn } from "node:child_process";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { resolve } from "node:path";
import { afterAll, beforeAll, test } from "@jest/globals";
import type { ProviderConfig } from "../../src/core/config.js";

interface Gateway extends AsyncDisposable {
  /** The `base_url` to configure. */
  url: string;
  /** Returns the headers that `llm.providers.<name>` needs for a model provider at that URL. `more` goes into the gateway's own config. */
  to(upstream: string, more?: object): Pick<ProviderConfig, "headers">;
}

const startLimitMs = 15_000;

/**
 * Starts one gateway for the tests of a file. Returns a function that declares a test. If the gateway cannot start, the test passes with a
 * line on stderr.
 */
export function gatewayTests(): (name: string, run: (gateway: Gateway) => Promise<void>) => void {
  let gateway: Gateway | undefined;
  beforeAll(async () => {
    gateway = await startGateway();
  }, 30_000);
  afterAll(async () => {
    await gateway?.[Symbol.asyncDispose]();
  });
  return (name, run) => test(name, () => (gateway ? run(gateway) : Promise.resolve()));
}

/** Starts @portkey-ai/gateway in a process of its own. Undefined if it does not start here; stderr then has the reason. */
async function startGateway(): Promise<Gateway | undefined> {
  const port = await freePort();
  const script = resolve("tests/slow-packages/node_modules/@portkey-ai/gateway/build/start-server.js");
  const preload = resolve("tests/support/mutable-fetch.mjs");
  const child = spawn(process.execPath, ["--import", preload, script, `--port=${port}`, "--headless"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH, NO_COLOR: "1" },
  });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  let said = "";
  const isReady = await new Promise<boolean>((done) => {
    const limit = setTimeout(() => done(false), startLimitMs);
    const hear = (text: Buffer) => {
      said += text.toString();
      if (!said.includes("Ready for connections")) return;
      clearTimeout(limit);
      done(true);
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    void ended.then(() => done(false));
  });
  const stop = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  if (!isReady) {
    await stop();
    process.stderr.write(`SKIPPED: @portkey-ai/gateway does not start here: ${said.slice(-500)}\n`);
    return undefined;
  }
  return {
    url: `http://127.0.0.1:${port}/v1`,
    to: (upstream, more = {}) => ({
      headers: {
        "x-portkey-config": JSON.stringify({
          provider: "openai",
          api_key: "sk-upstream-key",
          custom_host: upstream,
          ...more,
        }),
      },
    }),
    [Symbol.asyncDispose]: stop,
  };
}

/** Returns a port that was free a moment ago: the gateway needs a number, and does not report the port that it gets for 0. */
function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => done(port));
    });
  });
}
