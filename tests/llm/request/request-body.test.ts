import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { RequestBody } from "../../../src/llm/connection/request-body.js";
import { runs } from "../../support/runs.js";

function expectJsonBytes(json: object): void {
  const body = new RequestBody(json);
  const bytes = Buffer.from(JSON.stringify(json));
  expect(Buffer.from(body.text, body.encoding).equals(bytes)).toBe(true);
  expect(body.length).toBe(bytes.length);
}

test("a body is sent as the bytes of its JSON, in one alphabet or in several", () => {
  for (const words of ["the sea ", "das Meer, größer ", "ÿ", "море ", "🌊 ", "\ud83c"]) {
    expectJsonBytes({ messages: Array.from({ length: 100 }, (_, place) => words.repeat(place)) });
  }
  fc.assert(fc.property(fc.dictionary(fc.string(), fc.jsonValue()), expectJsonBytes), { numRuns: runs(100) });
});
