import { expect, test } from "@jest/globals";
import { Output } from "../../src/doors/shared/output.js";
import { HeldSink } from "./support.js";

test("an error while a text is made affects only its writer", async () => {
  const sink = new HeldSink();
  const output = new Output(sink);
  const filling = output.write("x".repeat(sink.writableHighWaterMark));
  const bad = output.write(() => {
    throw new RangeError("nested too deep");
  });
  const after = output.write("after");
  sink.release();
  await expect(bad).rejects.toThrow("nested too deep");
  await Promise.all([filling, after]);
  await sink.until("after");
});
