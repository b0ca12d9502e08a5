import { expect, test } from "@jest/globals";
import { isSameContent } from "../../src/log/shared/repeated-requests.js";

const link = { type: "resource_link" as const, uri: "https://a.example/b.png" };

test("a picture behind an address is the same content as in logs that stored no type of it", () => {
  expect(isSameContent([link], [{ ...link, mimeType: "image/*" }])).toBe(true);
  expect(isSameContent([link], [{ ...link, mimeType: "image/png" }])).toBe(false);
  expect(isSameContent([link], [{ ...link, uri: "https://a.example/c.png", mimeType: "image/*" }])).toBe(false);
});
