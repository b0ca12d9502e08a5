import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { StoreError } from "../../../src/core/errors.js";
import { type ContentPart, textOf } from "../../../src/core/messages.js";
import { offload } from "../../../src/session/tools/offload.js";

function parts(limitTokens = 1_000) {
  const kept = new Map<string, string>();
  const put = async (resultId: string, text: string) => void kept.set(resultId, text);
  return {
    kept,
    limitTokens,
    put,
    newId: (prefix: string) => `${prefix}_${kept.size + 1}`,
    reader: "host__read_result",
  };
}
const text = (words: string): ContentPart => ({ type: "text", text: words });
const picture: ContentPart = { type: "image", data: "AAAA", mimeType: "image/png" };

test("a result within the limit stays as it is", async () => {
  const result = { content: [text("x".repeat(4_000)), picture], isError: false };
  expect(await offload(result, parts())).toBe(result);
});

test("a longer result is stored whole; both ends, its size and its id stay, and so do pictures", async () => {
  const { kept, ...rest } = parts();
  const content = [text(`begin ${"x".repeat(100_000)}`), picture, text("end")];
  const result = await offload({ content, isError: true }, rest);
  expect(result).toMatchObject({ isError: true, resultIds: ["res_1"], content: [{ type: "text" }, picture] });
  expect(kept.get("res_1")).toBe(`begin ${"x".repeat(100_000)}\nend`);
  expect(textOf(result.content)).toMatch(
    /^begin x+\n\[… the result has 100010 characters.*res_1.*host__read_result …\]\nx+\nend$/,
  );
});

test("no result is longer than the limit allows, whatever its characters", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }), async (unit) => {
      const result = await offload({ content: [text(unit.repeat(2_000))], isError: false }, parts(500));
      expect(Buffer.byteLength(textOf(result.content))).toBeLessThan(500 * 4 + 300);
      expect(Buffer.from(textOf(result.content)).toString()).toBe(textOf(result.content));
    }),
  );
});

test("many links count as a long text too", async () => {
  const { kept, ...rest } = parts();
  const links = Array.from(
    { length: 1_000 },
    (_, index): ContentPart => ({ type: "resource_link", uri: `file:///${index}` }),
  );
  const result = await offload({ content: links, isError: false }, rest);
  expect(result.content).toHaveLength(1);
  expect(kept.get("res_1")).toContain("[resource file:///500]");
});

test("a picture that no provider would accept becomes a note, and is stored", async () => {
  const { kept, ...rest } = parts();
  const data = "A".repeat(8_000_000);
  const result = await offload({ content: [{ type: "image", data, mimeType: "image/png" }], isError: false }, rest);
  expect(textOf(result.content)).toMatch(/^\[image image\/png, 8000000 characters of base64.*res_1/);
  expect(kept.get("res_1")).toBe(data);
});

test("pictures that have no room in a request after those before them are stored too", async () => {
  const { kept, ...rest } = parts();
  const large = (): ContentPart => ({ type: "image", data: "A".repeat(6_000_000), mimeType: "image/png" });
  const result = await offload({ content: [large(), large(), large(), picture], isError: false }, rest);
  expect(result.content.map(({ type }) => type)).toEqual(["image", "image", "text", "image"]);
  expect(kept.get("res_1")).toHaveLength(6_000_000);
});

test("where the log is full, the result shows its beginning and its end, and does not offer the rest", async () => {
  const put = () => Promise.reject(new StoreError("full", "the disk is full"));
  const result = await offload({ content: [text("x".repeat(100_000))], isError: false }, { ...parts(), put });
  expect(result.resultIds).toBeUndefined();
  expect(textOf(result.content)).toContain("could not be stored (the disk is full)");
});
