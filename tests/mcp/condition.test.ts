import { expect, test } from "@jest/globals";
import { Condition } from "../../src/mcp/server/server-condition.js";
import { fixture } from "../support/mcp-hub.js";

test("a server writes 100 lines into the host's log at once, then 10 a second; what is left out is counted", () => {
  const lines: string[] = [];
  let time = 0;
  const observe = ({ message }: { message: string }) => lines.push(message);
  const condition = new Condition(fixture("s"), { observe, changed: () => {}, now: () => time });
  for (let line = 1; line <= 250; line++) condition.logged("error", `line ${line}`);
  expect(lines.splice(0)).toEqual(Array.from({ length: 100 }, (_, index) => `s: line ${index + 1}`));
  time += 200;
  for (let line = 251; line <= 255; line++) expect(condition.logged("error", `line ${line}`)).toBe(`line ${line}`);
  expect(lines.splice(0)).toEqual([
    "s: 150 further lines came too fast and are left out",
    "s: line 251",
    "s: line 252",
  ]);
  condition.log("warn", "of the host itself");
  expect(lines).toEqual(["s: of the host itself"]);
});

test("a reason that quotes megabytes of a server keeps its beginning, without secrets", () => {
  const secret = "s3cr3t-t0ken";
  const config = { ...fixture("s"), env: { API_TOKEN: secret } };
  const condition = new Condition(config, { observe: () => {}, changed: () => {} });
  condition.set("degraded", `left out: ${"x".repeat(3_980)}${secret}${"x".repeat(5_000_000)}`);
  expect(condition.reason).toMatch(/^left out: x+\S*…$/);
  expect(condition.reason).toHaveLength(4_001);
  expect(condition.reason).not.toContain("s3cr3t");
  condition.set("degraded", "left out: a tool");
  expect(condition.reason).toBe("left out: a tool");
});

test("a secret at the end of a shortened line of the log is not shown in part", () => {
  const lines: string[] = [];
  const config = { ...fixture("s"), env: { DB_DSN: "s3cr3t-t0ken" } };
  const observe = ({ message }: { message: string }) => lines.push(message);
  const condition = new Condition(config, { observe, changed: () => {} });
  condition.notice(`${"x".repeat(195)}s3cr3t-t0ken`);
  condition.logged("info", `${"x".repeat(1_995)}s3cr3t-t0ken`);
  expect(lines).toHaveLength(2);
  expect(lines.join()).not.toContain("s3cr3");
});
