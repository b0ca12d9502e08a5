import { describe, expect, test } from "@jest/globals";
import { withinTime } from "../../src/core/async/within-time.js";

const gate = new Int32Array(new SharedArrayBuffer(4));

describe("work with a time limit", () => {
  test("that ends in time gives its result or its error", () => {
    expect(withinTime(1_000, () => 42)).toEqual({ result: 42 });
    expect(() =>
      withinTime(1_000, () => {
        throw new Error("no");
      }),
    ).toThrow("no");
  });

  test("that never ends is given up", () => {
    const endless = () => {
      for (;;);
    };
    expect(withinTime(20, endless)).toBeUndefined();
  });

  test("that got no processor time starts again with more time", () => {
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
