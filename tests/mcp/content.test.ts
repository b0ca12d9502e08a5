import { describe, expect, test } from "@jest/globals";
import { promptParts, resourceParts, toToolResult } from "../../src/mcp/protocol/result-content.js";

const text = (words: string) => ({ type: "text", text: words });
const parts = (...content: unknown[]) => toToolResult({ content }).content;

describe("content blocks", () => {
  test("every content type of MCP is passed on", () => {
    expect(
      parts(
        { type: "text", text: "hello" },
        { type: "image", data: "aW1n", mimeType: "image/jpeg" },
        { type: "audio", data: "c25k", mimeType: "audio/mpeg" },
        { type: "resource_link", uri: "demo://a", name: "A", mimeType: "text/plain", description: "not carried" },
        { type: "resource", resource: { uri: "demo://b", text: "inside" } },
        { type: "resource", resource: { uri: "demo://c", blob: "aW1n", mimeType: "image/png" } },
        { type: "resource", resource: { uri: "demo://p", blob: "JVBERi0=", mimeType: "application/pdf" } },
        { type: "resource", resource: { uri: "demo://d", blob: "AAAA", mimeType: "application/zip" } },
      ),
    ).toEqual([
      text("hello"),
      { type: "image", data: "aW1n", mimeType: "image/jpeg" },
      { type: "audio", data: "c25k", mimeType: "audio/mpeg" },
      { type: "resource_link", uri: "demo://a", name: "A", mimeType: "text/plain" },
      text("[resource demo://b]\ninside"),
      text("[resource demo://c]"),
      { type: "image", data: "aW1n", mimeType: "image/png" },
      text("[resource demo://p]"),
      { type: "file", data: "JVBERi0=", mimeType: "application/pdf" },
      { type: "resource_link", uri: "demo://d", mimeType: "application/zip" },
    ]);
  });

  test("of an unknown type become a note", () => {
    expect(parts({ type: "hologram" }, { type: "image" }, null)).toEqual([
      text('[content of type "hologram" that this host cannot show]'),
      text('[content of type "image" that this host cannot show]'),
      text("[content that is not an object: null]"),
    ]);
  });

  test("are passed on up to a number, with the number of the others", () => {
    const content = parts(...Array(10_005).fill({ type: "text", text: "x" }));
    expect(content.slice(9_999)).toEqual([text("x"), text("[5 more blocks of content were left out]")]);
  });

  test("with a media type that is longer than any media type lose it, because it does not count as text", () => {
    const mimeType = `image/${"x".repeat(1_000)}`;
    expect(
      parts(
        { type: "image", data: "aW1n", mimeType },
        { type: "resource_link", uri: "demo://a", mimeType },
        { type: "resource", resource: { uri: "demo://b", blob: "aW1n", mimeType } },
      ),
    ).toEqual([
      { type: "image", data: "aW1n", mimeType: "image/png" },
      { type: "resource_link", uri: "demo://a" },
      { type: "resource_link", uri: "demo://b" },
    ]);
  });

  test("may come as a text or as one block instead of a list", () => {
    expect(toToolResult({ content: "hello" })).toEqual({ content: [text("hello")], isError: false });
    expect(toToolResult({ content: "no", isError: true })).toEqual({ content: [text("no")], isError: true });
    expect(toToolResult({ content: text("one block") }).content).toEqual([text("one block")]);
    expect(toToolResult({ content: "" }).content).toEqual([text("(the tool returned nothing)")]);
  });

  test("become a note if there are none, and an error stays an error", () => {
    expect(toToolResult({ content: [] })).toEqual({ content: [text("(the tool returned nothing)")], isError: false });
    expect(toToolResult({ content: [text("no")], isError: true }).isError).toBe(true);
  });
});

describe("structured content", () => {
  test("is compared with some megabytes of texts, not with any number of them", () => {
    const long = { a: "x".repeat(1024 * 1024) };
    const structuredContent = { ...long, b: 1 };
    const partsAfter = (count: number) =>
      toToolResult({
        content: [...Array(count).fill(text(JSON.stringify(long))), text(JSON.stringify(structuredContent))],
        structuredContent,
      }).content.length - count;
    expect([partsAfter(2), partsAfter(60)]).toEqual([1, 2]);
  });

  const withText = (words: string | undefined, structuredContent: unknown) =>
    toToolResult({ content: words === undefined ? [] : [text(words)], structuredContent }).content;

  test("becomes JSON text where the result has no text", () => {
    expect(withText(undefined, { a: 1 })).toEqual([text('{"a":1}')]);
  });

  test("is not repeated, however the text spells the JSON", () => {
    expect(withText('{ "b": 2,\n "a": 1 }', { a: 1, b: 2 })).toEqual([text('{ "b": 2,\n "a": 1 }')]);
  });

  test("is not repeated if it only wraps the text", () => {
    expect(withText("42", { result: 42 })).toEqual([text("42")]);
    expect(withText("hello", { content: "hello" })).toEqual([text("hello")]);
  });

  test("follows a text that differs", () => {
    expect(withText("Found 2 rows", { rows: [1, 2] })).toEqual([text("Found 2 rows"), text('{"rows":[1,2]}')]);
  });
});

test("the messages of a prompt become one message, in order, with the assistant's marked", () => {
  expect(
    promptParts({
      messages: [
        { role: "user", content: text("question") },
        { role: "assistant", content: text("answer") },
        { role: "user", content: [text("next"), { type: "image", data: "aQ==", mimeType: "image/png" }] },
      ],
    }),
  ).toEqual([
    text("question"),
    text("[assistant]"),
    text("answer"),
    text("next"),
    { type: "image", data: "aQ==", mimeType: "image/png" },
  ]);
});

test("the contents of a resource name their URI", () => {
  expect(resourceParts({ contents: [{ uri: "demo://a", text: "A" }] })).toEqual([text("[resource demo://a]\nA")]);
});
