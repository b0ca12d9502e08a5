import { expect, test } from "@jest/globals";
import { errorInfo, LlmError, RequestError } from "../../src/core/errors.js";

test("the message of a provider's failure names its requests", () => {
  const details = { attempts: 4, requestId: "theirs-1", retryable: true, hint: "Wait." };
  expect(errorInfo(new LlmError("overloaded", "test/m1: error 503: busy", details))).toEqual({
    kind: "overloaded",
    message: "test/m1: error 503: busy (4 requests, request id theirs-1)",
    retryable: true,
    hint: "Wait.",
    attempts: 4,
  });
});

test("the message of a failure at or before the first request names no requests", () => {
  const once = errorInfo(new LlmError("auth", "test/m1: error 401: no", { attempts: 1 }));
  expect(once).toEqual({ kind: "auth", message: "test/m1: error 401: no", retryable: false, hint: "", attempts: 1 });
  expect(errorInfo(new LlmError("auth", "test: no API key"))).not.toHaveProperty("attempts");
});

test("other errors keep their message", () => {
  const info = { kind: "usage", message: "no", retryable: false, hint: "yes" };
  expect(errorInfo(new RequestError("usage", "no", { hint: "yes" }))).toEqual(info);
  expect(errorInfo("thrown")).toEqual({ kind: "unexpected", message: "thrown", retryable: false, hint: "" });
});
