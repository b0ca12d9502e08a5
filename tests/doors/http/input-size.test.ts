import { expect, test } from "@jest/globals";
import { requireSize } from "../../../src/doors/http/turns/input-size.js";

test.each(["input", "messages"] as const)("the error about a call that is too long names its field: %s", (param) => {
  const content = "x".repeat(64 * 1024 * 1024);
  const fits = [{ role: "system" as const, content }];
  expect(requireSize(fits, param)).toBe(fits);
  const tooLong = () => requireSize([...fits, { role: "system", content: "y" }], param);
  expect(tooLong).toThrow(expect.objectContaining({ status: 400, code: "context_length_exceeded", param }));
});
