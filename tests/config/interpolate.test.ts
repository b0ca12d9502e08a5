import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { interpolate } from "../../src/config/reading/interpolate.js";

const environment = { HOST: "example.com", EMPTY: "", TRICKY: `a$\${b} \${HOST}` };

describe("placeholders", () => {
  test.each([
    [`\${HOST}`, "example.com"],
    [`\${env:HOST}`, "example.com"],
    [`https://\${HOST}:\${PORT:-443}/`, "https://example.com:443/"],
    [`\${env:PORT:-443}`, "443"],
    [`\${PORT:-}`, ""],
    [`\${EMPTY}`, ""],
    [`\${EMPTY:-full}`, "full"],
    [`\${PORT:-\${HOST}}`, "example.com"],
    [`\${HOST:-\${NOT_SET}}`, "example.com"],
    [`\${PORT:-a}b}`, "ab}"],
    [`$\${HOST}`, `\${HOST}`],
    [`$$\${HOST}`, `$\${HOST}`],
    ["$HOST and $ and {HOST}", "$HOST and $ and {HOST}"],
    [`\${TRICKY}`, environment.TRICKY],
  ])("%s", (source, text) => {
    expect(interpolate(source, environment)).toMatchObject({ text, problems: [] });
  });

  test("a variable without a value and a default is reported, once each", () => {
    expect(interpolate(`\${A}\${env:B}\${PORT:-\${C}}`, {}).problems).toEqual([
      `environment variable A is not set (set it, or write \${A:-default})`,
      `environment variable B is not set (set it, or write \${B:-default})`,
      `environment variable C is not set (set it, or write \${C:-default})`,
    ]);
  });

  test("properties that every object has are not variables", () => {
    expect(interpolate(`\${constructor}`, {}).problems).toHaveLength(1);
  });

  test.each([
    `\${`,
    `\${}`,
    `\${1A}`,
    `\${input:x}`,
    `\${A-b}`,
    `\${A`,
    `\${A:-b`,
    `\${A:-\${B}`,
    `\${file:/etc/passwd}`,
  ])("%s is malformed", (source) => {
    expect(interpolate(source, environment).problems).toEqual([expect.stringMatching(/^malformed placeholder/)]);
  });

  test("the names of all variables are collected, so that their values can be redacted", () => {
    expect(interpolate(`\${HOST}\${A:-\${B:-c}}`, environment).variables).toEqual(["HOST", "A", "B"]);
  });
});

describe("for any text", () => {
  test("escaping gives the same text back", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("$", "{", "}", "A", ":-", "é", "\n")), (pieces) => {
        const text = pieces.join("");
        expect(
          interpolate(
            text.replaceAll(`\${`, () => `$\${`),
            {},
          ),
        ).toEqual({ text, variables: [], problems: [] });
      }),
    );
  });

  test("a value replaces the placeholder, whatever the value contains", () => {
    fc.assert(
      fc.property(fc.string(), fc.string({ minLength: 1 }), (before, value) => {
        const plain = before.replaceAll("$", "");
        expect(interpolate(`${plain}\${V}!`, { V: value }).text).toBe(`${plain}${value}!`);
      }),
    );
  });
});
