import { expect, test } from "@jest/globals";
import { duplicateKey } from "../../src/core/json.js";

test.each<[string, string | undefined]>([
  ['{"a":1,"b":{"a":2},"c":[{"a":1},{"a":2}]}', undefined],
  ['{"a":1,"a":2}', "a"],
  ['{"a":1, "\\u0061" :2}', "a"],
  ['{"x":[{"y":{"k":1,"k":1}}]}', "k"],
  ['{"a":"a","b":"a\\":","c":"{\\"a\\":1}"}', undefined],
  ['{"":1,"":2}', ""],
  ['{"__proto__":1,"__proto__":2}', "__proto__"],
  ['[{"a":1},["a","a"]]', undefined],
  ["7", undefined],
])("%s has %j twice", (json, key) => {
  JSON.parse(json);
  expect(duplicateKey(json)).toBe(key);
});

test.each([
  ["plain text", "x".repeat(8_000_000)],
  ["quotation marks", '"'.repeat(4_000_000)],
  ["backslashes", "\\".repeat(4_000_000)],
])("a string of megabytes is read: %s", (_, long) => {
  expect(duplicateKey(JSON.stringify({ long, b: 1 }))).toBeUndefined();
  expect(duplicateKey(`{"a":${JSON.stringify(long)},"a":1}`)).toBe("a");
});
