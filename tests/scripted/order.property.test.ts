import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { check } from "../../src/scripted/assertions/assertions.js";
import { call, outcome, partsWith } from "./outcome.js";

const tools = fc.constantFrom("fs.read", "fs.write", "git.log");
const position = { file: "a.session.yaml", line: 1 };

async function holds(type: string, value: unknown, names: readonly string[]): Promise<boolean> {
  const { passed } = await check(
    { position, type, value },
    outcome({ calls: names.map((name) => call(name)) }),
    partsWith(),
  );
  return passed;
}

test("a sequence in order is what is left when some calls are taken away", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(tools, fc.boolean()), { minLength: 1 }), async (calls) => {
      const names = calls.map(([name]) => name);
      const left = calls.filter(([, isKept]) => isKept).map(([name]) => name);
      fc.pre(left.length > 0);
      expect(await holds("trajectory:tool-sequence", left, names)).toBe(true);
      expect(await holds("trajectory:tool-sequence", [...names, "fs.read"], names)).toBe(false);
    }),
  );
});

test("an exact sequence is in order, and of the same length", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(tools, { minLength: 1, maxLength: 4 }),
      fc.array(tools, { maxLength: 4 }),
      async (steps, names) => {
        const isExact = await holds("trajectory:tool-sequence", { mode: "exact", steps }, names);
        expect(isExact).toBe(steps.join() === names.join());
        if (isExact) expect(await holds("trajectory:tool-sequence", { mode: "in_order", steps }, names)).toBe(true);
      },
    ),
  );
});

test("an assertion and its opposite never agree", async () => {
  const range = fc.record({ pattern: tools, min: fc.nat(3) });
  const order = fc.record({
    mode: fc.constantFrom("in_order", "exact"),
    steps: fc.array(tools, { minLength: 1, maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(range, order, fc.array(tools, { maxLength: 5 }), async (used, steps, names) => {
      expect(await holds("trajectory:tool-used", used, names)).not.toBe(
        await holds("not-trajectory:tool-used", used, names),
      );
      expect(await holds("trajectory:tool-sequence", steps, names)).not.toBe(
        await holds("not-trajectory:tool-sequence", steps, names),
      );
    }),
  );
});

test("regex agrees with the engine of the host, whatever the text", async () => {
  const patterns = ["^a", "b$", "a+b*", "[^a]", "^$", "(?<=a)b", "\\s", "a|b", "(a)\\1", "\\u00e4"];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...patterns),
      fc.string({ unit: fc.constantFrom("a", "b", " ", "\n", "ä") }),
      async (value, output) => {
        const { passed } = await check({ position, type: "regex", value }, outcome({ output }), partsWith());
        expect(passed).toBe(new RegExp(value).test(output));
      },
    ),
  );
});
