import { expect, test } from "@jest/globals";
import type { Observation } from "../../src/core/ports.js";
import { fromLevel, jsonLog, plainLog } from "../../src/host/logging.js";

const now = () => Date.UTC(2026, 10, 25);

function written(event: Partial<Observation>, options: { secrets?: string[]; maxLength?: number } = {}): object {
  const lines: string[] = [];
  const log = jsonLog({ write: (line) => lines.push(line), now, maxLength: 1000, ...options });
  log({ level: "warn", scope: "llm", message: "said", ...event });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatch(/^\{.*\}\n$/);
  return JSON.parse(lines[0] ?? "");
}

test("a line is a single JSON object with the time, level, module, message and fields", () => {
  expect(written({ fields: { provider: "test", attempts: 2 } })).toEqual({
    time: "2026-11-25T00:00:00.000Z",
    level: "warn",
    scope: "llm",
    message: "said",
    provider: "test",
    attempts: 2,
  });
});

test("a line break in a server's message stays within its line", () => {
  expect(written({ message: "one\ntwo\u0000" })).toMatchObject({ message: "one\ntwo\u0000" });
});

test("a server's message cannot control a terminal that shows the line", () => {
  const message = "\u001b]0;title\u0007 \u009b2J \u202etxt\u007f";
  const lines: string[] = [];
  jsonLog({ write: (line) => lines.push(line), now, maxLength: 1000 })({ level: "warn", scope: "mcp", message });
  expect(lines[0]).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u);
  expect(JSON.parse(lines[0] ?? "").message).toBe(message);
});

test("a line contains no secret of the configuration, and no value that looks like a secret or has the name of one", () => {
  const secrets = ["the-password-of-it"];
  const fields = {
    url: "http://u:the-password-of-it@host",
    deep: [{ key: "sk-abcdefghijklmnopqrstuvwx" }],
    token: "x",
  };
  expect(written({ message: "it is the-password-of-it", fields }, { secrets })).toMatchObject({
    message: "it is [redacted]",
    url: "http://u:[redacted]@host",
    deep: [{ key: "[redacted]" }],
    token: "[redacted]",
  });
});

test("a long text keeps its beginning and its end, and no part of a secret", () => {
  const text = `begin ${"x".repeat(60)}the-password-of-it${"y".repeat(500)} end`;
  const line = written({ message: text, fields: { text } }, { secrets: ["the-password-of-it"], maxLength: 120 });
  const cut = expect.stringMatching(/^begin x+\[reda.* \[…\] y+ end$/);
  expect(line).toMatchObject({ message: cut, text: cut });
  expect(JSON.stringify(line)).not.toContain("the-pass");
});

test("each module may have its own level", () => {
  const seen: string[] = [];
  const observe = fromLevel(
    () => ({ level: "warn", modules: { llm: "debug", mcp: "silent" } }),
    (event) => seen.push(`${event.scope} ${event.level}`),
  );
  for (const scope of ["llm", "mcp", "session"])
    for (const level of ["debug", "info", "error"] as const) observe({ level, scope, message: "" });
  expect(seen).toEqual(["llm debug", "llm info", "llm error", "session error"]);
});

test("an observer that throws does not break the code that it observes", () => {
  const told: string[] = [];
  const observe = fromLevel(
    () => ({ level: "info" }),
    ({ message }) => {
      told.push(message);
      throw new Error("no room on the disk");
    },
  );
  for (const message of ["one", "two"]) observe({ level: "info", scope: "mcp", message });
  expect(told).toEqual(["one", "two"]);
});

test("a line for people has the module and the message, without secrets, control characters and line breaks", () => {
  const lines: string[] = [];
  const log = plainLog({ write: (line) => lines.push(line), secrets: ["the-password-of-it"], maxLength: 1000 });
  log({ level: "warn", scope: "mcp", message: "fs: failed:\n \u001b[2Jthe-password-of-it", fields: { server: "fs" } });
  expect(lines).toEqual(["mcp: fs: failed: [redacted]\n"]);
});
