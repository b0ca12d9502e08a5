import { expect, test } from "@jest/globals";
import { readSentContent } from "../../src/doors/shared/sent-content.js";

const base64 = (text: string) => Buffer.from(text, "latin1").toString("base64");
const png = base64("\x89PNG\r\n\x1a\n0000");
const model = { provider: "test", model: "m1", takes: ["image", "audio", "file"] as const };

test("a file becomes what a model takes of it, and a picture has the type of its bytes", () => {
  const parts = [
    { type: "text" as const, text: "Look" },
    { type: "image" as const, data: png, mime_type: "image/jpeg" },
    { type: "file" as const, data: png, mime_type: "application/octet-stream", name: "a.png" },
    { type: "file" as const, data: base64("one\ntwo"), mime_type: "text/csv", name: "b.csv" },
    { type: "file" as const, data: base64("RIFF"), mime_type: "audio/wav" },
    { type: "file" as const, data: base64("%PDF-1.7\0"), mime_type: "application/octet-stream", name: "c.pdf" },
    { type: "resource_link" as const, uri: "file:///a", name: "a", mime_type: null },
  ];
  expect(readSentContent(parts, model)).toEqual([
    { type: "text", text: "Look" },
    { type: "image", data: png, mimeType: "image/png" },
    { type: "text", text: "[file a.png]" },
    { type: "image", data: png, mimeType: "image/png" },
    { type: "text", text: "[file b.csv]\none\ntwo" },
    { type: "text", text: "[file the file]" },
    { type: "audio", data: base64("RIFF"), mimeType: "audio/wav" },
    { type: "text", text: "[file c.pdf]" },
    { type: "file", data: base64("%PDF-1.7\0"), mimeType: "application/pdf", name: "c.pdf" },
    { type: "resource_link", uri: "file:///a", name: "a" },
  ]);
});

test.each([
  [
    { type: "file", data: base64("PK\x03\x04\0"), mime_type: "application/zip", name: "a.zip" },
    /^a\.zip \(application\/zip\) is neither text/,
  ],
  [
    { type: "file", data: base64("a".repeat(256_001)), mime_type: "text/plain", name: "a.txt" },
    /^a\.txt has 256\.0 kB: at most/,
  ],
  [{ type: "image", data: base64("<svg/>"), mime_type: "image/svg+xml" }, /^the picture is not a PNG/],
  [{ type: "image", data: "%%%%%%%%", mime_type: "image/png" }, /is base64/],
  [{ type: "audio", data: base64("x"), mime_type: "text/plain" }, /begins with audio/],
] as const)("%j is refused", (part, message) => {
  expect(() => readSentContent([part], model)).toThrow(message);
});

test("what the model does not take is refused by its name", () => {
  const picture = { type: "image" as const, data: png, mime_type: "image/png" };
  expect(() => readSentContent([picture], { ...model, takes: [] })).toThrow("test/m1 takes no pictures");
  expect(() =>
    readSentContent([{ ...picture, type: "audio", mime_type: "audio/wav" }], { ...model, takes: ["image"] }),
  ).toThrow("test/m1 takes no sound");
  const pdf = { type: "file" as const, data: base64("%PDF-1.7"), mime_type: "application/pdf" };
  expect(() => readSentContent([pdf], { ...model, takes: ["image"] })).toThrow("test/m1 takes no PDFs");
});
