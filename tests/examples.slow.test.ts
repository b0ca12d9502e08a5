import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, test } from "@jest/globals";
import { load } from "js-yaml";
import { loadConfig } from "../src/config/reading/load.js";
import { noLocalModels } from "./support/no-local-models.js";

/** Runs each example as examples/README.md says, without a key and without a configuration of the user. */

const home = mkdtempSync(join(tmpdir(), "mcp-platform-examples-"));
const token = "0123456789abcdef";
const env = { PATH: process.env.PATH, HOME: home, TMPDIR: home, ...noLocalModels, MCP_PLATFORM_SERVE__TOKEN: token };

afterAll(() => rmSync(home, { recursive: true }));

const outputOf = (command: string, ...args: string[]) => {
  const { status, stdout, stderr } = spawnSync(command, args, { env, encoding: "utf8" });
  return { status, stdout: stdout.trim(), stderr };
};

test("library.mjs asks for an approval and prints the answer", () => {
  expect(outputOf(process.execPath, "examples/library.mjs")).toEqual({
    status: 0,
    stdout: "allowed: local__add\nThe answer is 42.",
    stderr: "",
  });
});

test("sum.session.yaml passes", () => {
  const { status, stdout } = outputOf(process.execPath, "dist/main.js", "run", "examples/sum.session.yaml");
  expect([status, stdout]).toEqual([0, expect.stringContaining("passed examples/sum.session.yaml sum")]);
});

test("stdio_client.py prints the answer of a turn", () => {
  const found = spawnSync("python3", ["--version"], { env }).status === 0;
  if (!found) return;
  const { status, stdout } = outputOf("python3", "examples/stdio_client.py", process.execPath, "dist/main.js");
  expect([status, stdout]).toEqual([0, "The answer is 42."]);
});

test("openai_client.mjs prints the answer of a host that serves", async () => {
  const host = spawn(process.execPath, ["dist/main.js", "serve", "--port", "0"], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(host, "exit");
  try {
    let url: string | undefined;
    for await (const line of createInterface({ input: host.stderr })) {
      url = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
      if (url !== undefined) break;
    }
    const { status, stdout, stderr } = spawnSync(process.execPath, ["examples/openai_client.mjs"], {
      env: { ...env, MCP_PLATFORM_URL: `${url}/v1` },
      encoding: "utf8",
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "The answer is 42.\n", stderr: "" });
  } finally {
    host.kill();
    await ended;
  }
});

describe("docker/", () => {
  const compose = load(readFileSync("examples/docker/compose.yaml", "utf8")) as {
    services: { host: { build: { dockerfile: string; context: string }; ports: string[]; volumes: string[] } };
  };

  test("its configuration is valid for the host", () => {
    const { config } = loadConfig("examples/docker/config.yaml", {
      env: { OPENAI_API_KEY: "sk-0123456789", MCP_PLATFORM_SERVE__TOKEN: token },
    });
    expect([config.llm.active, config.serve.host]).toEqual(["openai", "0.0.0.0"]);
  });

  test("its files exist, and its port is published on loopback only", () => {
    const { build, ports, volumes } = compose.services.host;
    const base = join("examples/docker", build.context);
    expect(readFileSync(join(base, build.dockerfile), "utf8")).toContain("ENTRYPOINT");
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
    expect(volumes.some((volume) => volume.startsWith("./config.yaml:"))).toBe(true);
  });
});

test("examples/README.md names every example", () => {
  const readme = readFileSync("examples/README.md", "utf8");
  const examples = readdirSync("examples").filter((name) => name !== "README.md");
  expect(examples.filter((name) => !readme.includes(`(${name})`))).toEqual([]);
});
