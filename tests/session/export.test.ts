import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ChatEvent, StoredEvent } from "../../src/core/events.js";
import { exportConversation } from "../../src/session/export/export.js";
import type { ExportFormat } from "../../src/session/export/formats.js";
import { call, joined, readerOf, stored, turn } from "../log/support.js";
import { processorMs } from "../support/processor-time.js";
import { runs } from "../support/runs.js";

const one = turn("turn_1");
const two = turn("turn_2");
const usage = { inputTokens: 10, outputTokens: 5 };
const asked = call("call_1");
const conversation = [
  one.user("Add 2 and 40"),
  { ...one.answer("", [asked]), usage },
  one.planned(asked),
  one.sent("call_1"),
  one.result("call_1", "42"),
  { ...one.answer("It is **42**."), usage },
  one.end(),
];

const as = (format: ExportFormat, events: readonly ChatEvent[] | readonly StoredEvent[], secrets: string[] = []) =>
  exported("c1", "seq" in (events[0] ?? {}) ? (events as StoredEvent[]) : stored(events), { format, secrets });

function exported(id: string, events: readonly StoredEvent[], options: { format: ExportFormat; secrets: string[] }) {
  return joined(exportConversation(readerOf(events), id, options));
}

/** Returns the document without our own program, and the data element that the program reads. */
function parts(html: string): { document: string; data: string } {
  const [, before = "", between = "", data = "", script = "", after = ""] =
    /^(.*?)<div id="view"><\/div>(.*?)<script type="application\/json" id="data">([^<]*)<\/script>\n<script>(.*?)<\/script>(.*)$/s.exec(
      html,
    ) ?? [];
  expect(script).toBe(readFileSync("dist/file-view/view.js", "utf8"));
  return { document: before + between + after, data };
}

/** Returns every element of the document. It parses only the syntax of HTML: a `<` before another character, as in CSS, is text. */
const elements = (html: string) => [...parts(html).document.matchAll(/<[a-z/!?][^>]*>/gi)].map(([element]) => element);
const allowed =
  /^<(!doctype html|\/?(html|head|title|style|body|main|h1|h4|h5|section|time|div|p|pre|code|details|summary|strong|em|del|ul|ol|li|table|tr|th|td|blockquote|hr|br|a)|meta [^>]*|html lang="en"|(section|div|p|details) class="[a-z ]+"|time datetime="[\d-]+T[\d:.]+Z"|ol start="\d+"|a href="(https?:\/\/|mailto:)[^"]*" rel="noopener noreferrer"|img alt="image\/\w+" src="data:image\/\w+;base64,[\w+/=-]+")>$/i;

describe("Markdown", () => {
  test("has the prompts, the answers, the calls with results, and the cost of each turn", async () => {
    const text = await as("md", conversation);
    expect(text).toContain("> Add 2 and 40");
    expect(text).toContain(
      '**Tool `everything__add`** (ok, 1 ms)\n\n```json\n{\n  "a": 2,\n  "b": 40\n}\n```\n\n```text\n42\n```',
    );
    expect(text).toContain("It is **42**.");
    expect(text).toContain("*demo/demo-1 · 20 tokens in, 10 out · 6 ms*");
  });

  test("fences text that would close its fence", async () => {
    const result = one.result("call_1", "```\n# not a heading\n```");
    const text = await as("md", [
      one.user("x"),
      one.answer("", [asked]),
      one.planned(asked),
      one.sent("call_1"),
      result,
      one.end(),
    ]);
    expect(text).toContain("````text\n```\n# not a heading\n```\n````");
  });

  test("says how a turn ended if it did not end well", async () => {
    const ends = [[one.end("cancelled")], [one.error(false)], []];
    const texts = await Promise.all(ends.map((end) => as("md", [one.user("x"), ...end])));
    expect(texts[0]).toContain("**stopped: cancelled**");
    expect(texts[1]).toContain("**error: busy**");
    expect(texts[2]).toContain("**unfinished**");
  });
});

describe("JSON", () => {
  test("has every event of the conversation unchanged, in the names of the wire", async () => {
    const { events, ...rest } = JSON.parse(await as("json", conversation));
    expect(rest).toEqual({ format: "mcp-platform.conversation", version: 1, conversation_id: "c1" });
    expect(events).toHaveLength(conversation.length);
    expect(events[1]).toEqual({
      seq: 2,
      at: "1970-01-01T00:00:01.001Z",
      type: "assistant_message",
      turn_id: "turn_1",
      message: { role: "assistant", content: "", tool_calls: [asked] },
      finish_reason: "stop",
      provider: "demo",
      model: "demo-1",
      attempts: 1,
      usage: { input_tokens: 10, output_tokens: 5 },
    });
  });

  test("has no hash of the provider's account, and keeps the parts that belong to the account", async () => {
    const parts = [{ opaque: { encryptedContent: "x" } }];
    const { message, ...facts } = one.answer("hello");
    const kept = { wire: "responses", provider: "openai", account: "a1b2c3", model: "m", parts };
    const exported = await as("json", [one.user("x"), { ...facts, message: { ...message, kept } } as ChatEvent]);
    expect(JSON.parse(exported).events[1].message.kept).toEqual({ ...kept, account: undefined });
    expect(exported).not.toContain("a1b2c3");
  });

  test("does not rename keys of other programs' data", async () => {
    const value = { action: "accept", content: { firstName: "x" } };
    const answered: ChatEvent = { type: "answer", turnId: "turn_1", questionId: "q1", value };
    expect(JSON.parse(await as("json", [one.user("x"), answered])).events[1]).toMatchObject({
      question_id: "q1",
      value,
    });
  });
});

describe("HTML", () => {
  test("is a single file whose policy allows its own style and program and nothing else", async () => {
    const html = await as("html", conversation);
    const hashOf = (name: string) => {
      const [, text = ""] = new RegExp(`<${name}>(.*?)</${name}>`, "s").exec(html) ?? [];
      return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    };
    expect(html).toContain(
      `content="default-src 'none'; script-src ${hashOf("script")}; style-src ${hashOf("style")}; img-src data:; media-src data:; base-uri 'none'; form-action 'none'"`,
    );
    const { document } = parts(html);
    expect(document).not.toMatch(/<script|<link|<iframe|\son\w+=|url\(|@import/i);
    expect(document).toContain("<p>It is <strong>42</strong>.</p>");
    expect(document).toContain("<summary><code>everything__add</code> ok · 1 ms</summary>");
    expect(document).toContain("20 tokens in, 10 out");
  });

  test("has the events for its program, and the program without an end of its element, in less than 120 KB", async () => {
    const html = await as("html", conversation);
    const { data, document } = parts(html);
    const { conversationId, events } = JSON.parse(data);
    expect({ conversationId, events }).toEqual({ conversationId: "c1", events: stored(conversation) });
    expect(Buffer.byteLength(html) - Buffer.byteLength(data)).toBeLessThan(120_000);
    expect(document.length).toBeLessThan(20_000);
    expect(readFileSync("dist/file-view/view.js", "utf8")).not.toMatch(/<\/script|<!--/i);
  });

  const hostile = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    '[a](javascript:alert(1)) [b](https://e.example/"onmouseover=x) ![c](http://e.example/p.png) <http://e.example/?"x>',
    "</style></pre></section><iframe src=//e.example>",
    "<!-- \n\n> <b>x</b>\n\n| <i>a</i> | b |\n|---|---|\n| `</code>` | **<u>** |",
    "1. a\n99999999999999999999. <s>\n- [x] <p>\n\n    <pre>",
    "&lt;script&gt; &#60;script&#62; \u0000 \u001b[2J \u202e \ud800",
  ];

  test.each(hostile)("of %j consists of text and known elements", async (text) => {
    const call = { id: "call_1", name: text, arguments: text };
    const events = [
      one.user(text),
      {
        ...one.answer(text, [call]),
        message: { role: "assistant" as const, content: text, reasoning: text, toolCalls: [call] },
      },
      one.result("call_1", text),
      { ...one.error(), error: { kind: "x", message: text, retryable: false, hint: text } },
    ];
    const html = await exported(text, stored(events), { format: "html", secrets: [] });
    expect(elements(html).filter((element) => !allowed.test(element))).toEqual([]);
    for (const character of ["\u0000", "\u001b", "\u202e"]) expect(html).not.toContain(character);
  });

  test("of any text consists of text and known elements", async () => {
    const piece = fc.oneof(
      fc.constantFrom(...hostile),
      fc.constantFrom("<", ">", '"', "'", "`", "[x](", ")", "\n", "&", "*", "|"),
      fc.string(),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const html = await as("html", [one.user("x"), one.answer(pieces.join("")), one.end()]);
        expect(elements(html).filter((element) => !allowed.test(element))).toEqual([]);
      }),
      { numRuns: runs(300) },
    );
  });

  test("shows real pictures, and names all other files", async () => {
    const content = [
      { type: "image", data: "iVBORw0KGgo=", mimeType: "image/png" },
      { type: "image", data: "PHN2Zz4=", mimeType: "image/svg+xml" },
      { type: "image", data: '"onerror="x', mimeType: "image/png" },
      { type: "resource_link", uri: "javascript:<b>" },
    ] as const;
    const html = await as("html", [{ ...one.user("x"), content: [...content] }]);
    expect(html.match(/<img [^>]*>/g)).toEqual(['<img alt="image/png" src="data:image/png;base64,iVBORw0KGgo=">']);
    expect(html).toContain("<p>[image, image/svg+xml]</p>");
    expect(html).toContain("<p>[javascript:&#60;b&#62;]</p>");
  });
});

describe.each(["md", "json", "html"] as const)("an export as %s", (format) => {
  test("leaves out turns that a rewind removed, and has all later ones", async () => {
    const log = [...conversation, two.user("a mistake"), two.end(), { type: "rewind", turnId: "w", toSeq: 7 } as const];
    const text = await as(format, [...log, turn("turn_3").user("better"), turn("turn_3").end()]);
    expect(text).not.toContain("a mistake");
    expect(text).toContain("better");
  });

  test.each([
    "sk-proj-abcdefghij0123456789",
    "ghp_abcdefghijklmnopqrst0123456789",
    "AKIAIOSFODNN7EXAMPLE",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "Bearer abcdefghij0123456789",
    "https://me:hunter2hunter@example.com/",
    '{"api_key":"abcdef0123"}',
    "password=correct-horse",
    "-----BEGIN PRIVATE KEY-----\nabcdefghij0123456789\n-----END PRIVATE KEY-----",
    "configured-secret-value",
  ])("does not contain %j, wherever it was", async (secret) => {
    const named = { ...asked, arguments: secret };
    const events = [one.user(`it is ${secret}`), one.answer(secret, [named]), one.result("call_1", secret), one.end()];
    const text = await as(format, events, ["configured-secret-value"]);
    expect(text).toContain("[redacted]");
    expect(text).not.toMatch(/abcdef|AKIAIOS|c2lnbmF0dXJl|hunter2|correct-horse|configured-secret/);
  });

  test("of a long conversation does not block the host's other work", async () => {
    const long = Array.from({ length: 4_000 }, () => one.user("word ".repeat(1_000)));
    let turns = 0;
    let isDone = false;
    const count = () => {
      turns++;
      if (!isDone) setImmediate(count);
    };
    setImmediate(count);
    await as(format, long);
    isDone = true;
    expect(turns).toBeGreaterThan(1);
  });

  test("keeps words that only look like a secret", async () => {
    const words = "The token count is 512, max_tokens: 4096; the key is under the mat; skip-this-long-hyphenated-word";
    expect(await as(format, [one.user(words), one.end()])).toContain("skip-this-long-hyphenated-word");
    expect(await as(format, [one.user(words), one.end()])).not.toContain("[redacted]");
  });

  test("of a long hostile text takes little time", async () => {
    const long = ["-----BEGIN PRIVATE KEY-----", "api_key", "eyJaaaaaaaa.", '"secret', "://a:"].map((text) =>
      text.repeat(4_000),
    );
    const startedAt = processorMs();
    for (const text of long) await as(format, [one.user(text), one.end()]);
    expect(processorMs() - startedAt).toBeLessThan(2_000);
  });
});
