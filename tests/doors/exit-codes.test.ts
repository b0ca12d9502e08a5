import { describe, expect, test } from "@jest/globals";
import { exitCodeOfError, exitCodeOfScripts, exitCodeOfTurn } from "../../src/doors/shared/exit-codes.js";

const error = (kind: string) => ({ kind, message: "", retryable: false, hint: "" });

describe("the exit code says", () => {
  test.each([
    [2, ["config", "usage", "request_mismatch"]],
    [3, ["auth", "quota", "bad_request", "model_gone", "context_length", "content_filter"]],
    [4, ["rate_limit", "overloaded", "server", "connect", "network", "timeout", "idle_timeout", "empty_stream"]],
    [5, ["required_server_down"]],
    [130, ["aborted"]],
    [1, ["unexpected", "html"]],
  ])("%i for %j", (code, kinds) => {
    expect(kinds.map((kind) => exitCodeOfError(error(kind)))).toEqual(kinds.map(() => code));
  });

  test.each([
    ["end_turn", 0],
    ["max_tokens", 0],
    ["refusal", 3],
    ["max_tool_hops", 7],
    ["budget", 7],
    ["cancelled", 130],
  ] as const)("how a turn stopped: %s gives %i", (stopReason, code) => {
    expect(exitCodeOfTurn({ stopReason, denied: false })).toBe(code);
  });

  test("a tool was denied, unless the turn failed or was cancelled", () => {
    expect(exitCodeOfTurn({ stopReason: "end_turn", denied: true })).toBe(6);
    expect(exitCodeOfTurn({ stopReason: "max_tool_hops", denied: true })).toBe(6);
    expect(exitCodeOfTurn({ stopReason: "cancelled", denied: true })).toBe(130);
    expect(exitCodeOfTurn({ stopReason: "error", error: error("auth"), denied: true })).toBe(3);
  });
});

describe("the exit code of scripted sessions says", () => {
  const script = { name: "s", file: "s", model: "m", vars: {}, durationMs: 0, transcript: "", steps: [] };
  const failed = (kind: string) => ({ ...script, passed: false, error: { kind, message: "", hint: "" } });
  const passed = { ...script, passed: true };

  test.each([
    ["that all is well", [passed, passed], 0],
    ["that an assertion does not hold", [passed, { ...script, passed: false }], 8],
    ["that the cassette did not have it", [failed("cassette")], 8],
    ["that the scripted model had no reply for it", [failed("scripted")], 8],
    ["why a session could not go on", [failed("auth"), passed], 3],
    ["that a limit ended it", [failed("limit")], 7],
    ["that it was cancelled", [failed("aborted")], 130],
    ["something unexpected", [failed("unexpected")], 1],
    ["only that they failed, for several reasons", [failed("auth"), failed("connect")], 8],
  ])("%s", (_, results, code) => {
    expect(exitCodeOfScripts(results)).toBe(code);
  });
});
