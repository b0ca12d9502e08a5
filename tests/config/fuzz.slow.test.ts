import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { initText, showConfig } from "../../src/config/config-text.js";
import { loadConfig } from "../../src/config/reading/load.js";
import { configSchema } from "../../src/config/schema/config-schema.js";
import { errorsOf, loadText } from "./folder.js";

const samples = [initText(), readFileSync("tests/config/sample.yaml", "utf8")];
const env = { HOME: "/home/me", TOKEN: "t" };

describe("any file either loads or gives an error with its line", () => {
  test("after any cut and any inserted text", () => {
    const pieces = fc.constantFrom(
      "",
      " ",
      "\n",
      "\r\n",
      "\t",
      ":",
      "- ",
      "{",
      "}",
      "[",
      "'",
      '"',
      "&a ",
      "*a",
      "!t ",
      "# ",
      "${",
      "~",
      "0",
    );
    fc.assert(
      fc.property(fc.constantFrom(...samples), fc.nat(), fc.nat(20), pieces, (sample, at, length, piece) => {
        const start = at % sample.length;
        const text = sample.slice(0, start) + piece + sample.slice(start + length);
        for (const line of errorsOf(() => loadText(text, { env: env })))
          expect(line).toMatch(/^config\.yaml:[1-9]\d*:[1-9]\d*[ :]/);
      }),
      { numRuns: 300 },
    );
  });

  test("with any value at any key", () => {
    const keys = fc.constantFrom(...Object.keys(configSchema().properties ?? {}));
    fc.assert(
      fc.property(keys, fc.anything({ withNullPrototype: true }), (key, value) => {
        const lines = errorsOf(() =>
          showConfig(loadConfig({ [key]: value }, { env: env, cwd: "/" }), { origin: true }),
        );
        for (const line of lines) expect(line).toMatch(/^\(config\) /);
      }),
      { numRuns: 300 },
    );
  });
});
