import { describe, expect, test } from "@jest/globals";
import { withinTime } from "../../src/core/async/within-time.js";

const gate = new Int32Array(new SharedArrayBuffer(4));

describe("work with a time limit", () => {
  test("gives its result or its error when it ends in time", () => {
    expect(withinTime(1_000, () => 42)).toEqual({ result: 42 });
    expect(() =>
      withinTime(1_000, () => {
        throw new Error("no");
      }),
    ).toThrow("no");
  });

  test("is given up when it never ends", () => {
    const endless = () => {
      for (;;);
    };
    expect(withinTime(20, endless)).toBeUndefined();
  });

  test("starts again with more time when it got no processor time", () => {
    let tries = 0;
    const starved = () => {
      tries += 1;
      return Atomics.wait(gate, 0, 0, 400); // waits without using the processor
    };
    // Long enough that what the runner's other threads use meanwhile is less than half of it.
    expect(withinTime(200, starved)).toEqual({ result: "timed-out" });
    expect(tries).toBeGreaterThan(1);
  });
});
