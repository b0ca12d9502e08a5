import { expect, test } from "@jest/globals";
import { firstStop } from "../../src/core/text/excerpt.js";

test("the first stop sequence in a text is found; at the same position the first of the list wins", () => {
  expect(firstStop("one STOP two END", ["END", "STOP"])).toEqual({ at: 4, sequence: "STOP" });
  expect(firstStop("one STOP", ["STOP", "ST"])).toEqual({ at: 4, sequence: "STOP" });
  expect(firstStop("one STOP", ["ST", "STOP"])).toEqual({ at: 4, sequence: "ST" });
  expect(firstStop("one", ["STOP"])).toBeUndefined();
});
