import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { evaluate } from "../../src/scripted/sandbox/sandbox.js";
import { runs } from "../support/runs.js";

const run = promisify(execFile);
const compiled = join(process.cwd(), "dist/scripted/sandbox/sandbox.js");

test.each<[string, unknown]>([
  ["count + 1", 3],
  ["count + 1; // with a word", 3],
  ["{ twice: count * 2 }", { twice: 4 }],
  ["const next = count + 1; next", 3],
  ["const add = (n) => { return n + 1 };\nadd(count)", 3],
  ["if (count > 1) { return 'many'; }\nreturn 'one'", "many"],
  ["Promise.resolve(count)", 2],
  ["(async () => await count)()", 2],
  ["undefined", undefined],
  ["() => 1", undefined],
  ["list.map(({ a }) => a)", [1, null]],
])("%s", async (code, value) => {
  expect(await evaluate(code, { count: 2, list: [{ a: 1 }, { a: null }] })).toEqual(value);
});

test("values come back as they went in", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ maxDepth: 4 }), async (value) => {
      const json = JSON.stringify(value);
      expect(JSON.stringify(await evaluate("value", { value }))).toBe(json);
    }),
    { numRuns: runs(50) },
  );
});

describe("the code reaches nothing of the host", () => {
  test.each(["process", "require", "fetch", "module", "setTimeout", "console", "WebAssembly", "Deno", "std", "os"])(
    "no %s",
    async (name) => {
      expect(await evaluate(`typeof ${name}`, {})).toBe("undefined");
      await expect(evaluate(`globalThis.constructor.constructor("return ${name}")()`, {})).rejects.toThrow(
        "not defined",
      );
    },
  );

  test.each(["import('node:fs')", "import('./worker.js')", "import fs from 'fs'"])("%s", async (code) => {
    await expect(evaluate(code, {})).rejects.toThrow(/the code threw (ReferenceError|SyntaxError)/);
  });

  test("changes to its own world end with it", async () => {
    await evaluate("Object.prototype.polluted = 1; Array.prototype.map = null; globalThis.left = 1; JSON = null", {});
    expect(await evaluate("[typeof left, typeof Object.prototype.polluted, [1].map(String)]", {})).toEqual([
      "undefined",
      "undefined",
      ["1"],
    ]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });

  test("__proto__ of a result is a key as any other", async () => {
    const value = await evaluate('JSON.parse(\'{"__proto__": {"admin": true}}\')', {});
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect((value as { admin?: unknown }).admin).toBeUndefined();
  });

  test("what the result is made of cannot be changed from within", async () => {
    const code = "JSON.stringify = () => '{'; Function = null; Object.entries = null; ({ a: 1 })";
    expect(await evaluate(code, {})).toEqual({ a: 1 });
  });
});

describe("limits", () => {
  test.each([
    "for (;;);",
    "try { for (;;); } catch { 1 }",
    "new RegExp('^(a+)+$').test('a'.repeat(60) + '!')",
    "Promise.resolve().then(function again() { return Promise.resolve().then(again); })",
    "({ toJSON() { for (;;); } })",
    "({ then() { for (;;); } })",
    "throw { get message() { for (;;); } }",
    "throw new Proxy({}, { get() { for (;;); } })",
    "class A { static { for (;;); } }",
  ])("%s takes its time limit, and the host goes on meanwhile", async (code) => {
    let beats = 0;
    const heart = setInterval(() => beats++, 5);
    await expect(evaluate(code, {}, { timeoutMs: 150 })).rejects.toThrow("the code took longer than 150 ms");
    clearInterval(heart);
    expect(beats).toBeGreaterThan(0);
  });

  test.each([
    "const all = []; for (;;) all.push('x'.repeat(1e6) + all.length)",
    "const all = []; for (;;) all.push({})",
    "new Uint8Array(1e9)",
    "'x'.padEnd(2 ** 29)",
  ])("%s runs out of memory", async (code) => {
    const limits = { timeoutMs: 20_000, memoryMb: 20 };
    await expect(evaluate(code, {}, limits)).rejects.toThrow(/out of memory/);
  });

  test.each<[string, RegExp]>([
    ["(function again() { again(); })()", /stack overflow/],
    ["let deep = {}; for (let i = 0; i < 1e5; i++) deep = { deep }; deep", /stack overflow|nested too deeply/],
    ["eval('('.repeat(1e5))", /nested too deeply|stack overflow/],
    ["const self = {}; self.self = self; self", /circular/],
    ["'x'.repeat(2e6)", /more than 1 MB/],
    ["10n", /BigInt/],
    ["new Promise(() => {})", /waits for something that never happens/],
    ["throw 'no'", /^the code threw no$/],
    ["throw new RangeError('too far')", /^the code threw RangeError: too far$/],
    ["(async () => { throw new Error('late') })()", /threw Error: late/],
    ["throw null", /threw nothing/],
    ["what is this", /SyntaxError/],
  ])("%s ends with one clear message", async (code, message) => {
    await expect(evaluate(code, {}, { timeoutMs: 120_000 })).rejects.toMatchObject({
      name: "RequestError",
      message: expect.stringMatching(message),
    });
    expect(await evaluate("1", {})).toBe(1);
  });

  test("one evaluation does not spend the time of the next", async () => {
    const results = await Promise.allSettled([
      evaluate("for (;;);", {}, { timeoutMs: 1200 }),
      evaluate("1", {}, { timeoutMs: 1000 }),
      evaluate("2", {}, { timeoutMs: 1000 }),
    ]);
    expect(results).toMatchObject([{ status: "rejected" }, { value: 1 }, { value: 2 }]);
  });
});

test("a host that was busy meanwhile does not take an answer for late", async () => {
  await evaluate("0", {});
  const answer = evaluate("1", {}, { timeoutMs: 800 });
  await new Promise(setImmediate);
  const end = performance.now() + 1600;
  while (performance.now() < end);
  expect(await answer).toBe(1);
});

test("what V8 needs to compile the sandbox is not the code's time", async () => {
  const program = `
    import { evaluate } from ${JSON.stringify(compiled)};
    console.log(await evaluate("1 + 1", {}, { timeoutMs: 200 }));
  `;
  // V8's slowest settings: if compiling counted, it would take more than twice this limit.
  const slowly = ["--no-liftoff", "--single-threaded"];
  const { stdout } = await run(process.execPath, [...slowly, "--input-type=module", "-e", program], {
    timeout: 60_000,
  });
  expect(stdout).toBe("2\n");
});

test("values that JSON cannot express are refused", async () => {
  const self: Record<string, unknown> = {};
  self.self = self;
  await expect(evaluate("1", self)).rejects.toThrow(/circular/);
});

test("a process that has evaluated something ends by itself, without a word of the sandbox", async () => {
  const program = `
    import { evaluate } from ${JSON.stringify(compiled)};
    await evaluate("eval('('.repeat(1e5))", {}).catch(() => undefined);
    await evaluate("for (;;);", {}, { timeoutMs: 50 }).catch(() => undefined);
    console.log(await evaluate("1 + 1", {}));
  `;
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", program], { timeout: 30_000 });
  expect({ stdout, stderr }).toEqual({ stdout: "2\n", stderr: "" });
});
