/** Pictures that a user gives by their address: the provider fetches them, and the host does not. */
import { describe, expect, test } from "@jest/globals";
import type { ProviderConfig, WireName } from "../../../src/core/config.js";
import type { ContentPart, Message } from "../../../src/core/messages.js";
import { suspectedMedia } from "../../../src/llm/call/refused-media.js";
import { defaultQuirks } from "../../../src/llm/providers/presets.js";
import type { Provider } from "../../../src/llm/providers/providers.js";
import { wireOf } from "../../../src/llm/wires/all-wires.js";
import { failure, type LlmRequest, answer as reply, startLlmServer } from "../../support/llm-server.js";
import { answer, type StrictMock, startAnthropic, startGemini, startOpenAi } from "../../support/strict/index.js";
import { clientOf } from "../client-of.js";

const url = "https://pictures.example/cat.png";
const pictureAt = (uri: string, mimeType = "image/*") => ({ type: "resource_link" as const, uri, mimeType });
const data = { type: "image" as const, data: "iVBORw0KGgo=", mimeType: "image/png" };
const user = (...content: ContentPart[]): Message => ({ role: "user", content });
const text = (words: string): ContentPart => ({ type: "text", text: words });
const said: Message = { role: "assistant", content: "A cat.", toolCalls: [] };

interface Vendor {
  wire: WireName;
  start: typeof startOpenAi;
  model: string;
  contentOf: (body: Record<string, unknown>) => unknown;
  textAs: (words: string) => object;
  picture: object | undefined;
}

const contentIn = (list: unknown, key = "content") => (list as Record<string, unknown>[] | undefined)?.[0]?.[key];

const vendors: Vendor[] = [
  {
    wire: "chat",
    start: startOpenAi,
    model: "gpt-4.1",
    contentOf: ({ messages }) => contentIn(messages),
    textAs: (words) => ({ type: "text", text: words }),
    picture: { type: "image_url", image_url: { url } },
  },
  {
    wire: "responses",
    start: startOpenAi,
    model: "gpt-5.6-sol",
    contentOf: ({ input }) => contentIn(input),
    textAs: (words) => ({ type: "input_text", text: words }),
    picture: { type: "input_image", image_url: url, detail: "auto" },
  },
  {
    wire: "messages",
    start: startAnthropic,
    model: "claude-opus-5",
    contentOf: ({ messages }) => contentIn(messages),
    textAs: (words) => ({ type: "text", text: words }),
    picture: { type: "image", source: { type: "url", url } },
  },
  {
    wire: "gemini",
    start: startGemini,
    model: "gemini-3.5-pro",
    contentOf: ({ contents }) => contentIn(contents, "parts"),
    textAs: (words) => ({ text: words }),
    picture: undefined,
  },
];

describe.each(vendors)("over $wire", ({ wire, start, model, contentOf, textAs, picture }) => {
  const sent = async (messages: Message[], provider: ProviderConfig = {}): Promise<StrictMock["requests"][number]> => {
    await using mock = await start([answer("ok")]);
    await using client = clientOf(mock, { maxRetries: 0 }, { wire, model, cache: "off", ...provider });
    await client.ask({ streaming: false }, { messages, tools: [] });
    expect(mock.refusals).toEqual([]);
    return mock.requests[0] as StrictMock["requests"][number];
  };

  test.each([
    ["callers of OpenAI's and Anthropic's APIs", "image/*"],
    ["editors and prompts of servers", "image/png"],
  ])("a picture of %s is sent by its address, where the wire has a form for it", async (_, type) => {
    const { body } = await sent([user(text("What is it?"), pictureAt(url, type))]);
    expect(contentOf(body)).toEqual([textAs("What is it?"), picture ?? textAs(`[resource ${url} (${type})]`)]);
  });

  test.each<[string, { type: "resource_link"; uri: string }]>([
    ["a file", pictureAt("file:///home/me/cat.png")],
    ["a document", pictureAt(url, "application/pdf")],
    ["a picture of a type that no API accepts", pictureAt(url, "image/svg+xml")],
    ["a link without a type", { type: "resource_link", uri: url }],
  ])("%s stays a text", async (_, link) => {
    const { body } = await sent([user(text("What is it?"), link)]);
    const content = JSON.stringify(contentOf(body));
    expect(content).toContain(`[resource ${link.uri}`);
    expect(content).not.toMatch(/"image|input_image|"source"/);
  });

  test("a link in a tool's result, and a picture for a model that takes none, stay texts", async () => {
    const calling: Message = {
      role: "assistant",
      content: "",
      toolCalls: [{ id: "call_1", name: "find", arguments: "{}" }],
    };
    const found: Message = { role: "tool", toolCallId: "call_1", content: [pictureAt(url)], isError: false };
    const { body } = await sent([user(text("find")), calling, found]);
    const blind = await sent([user(text("look"), pictureAt(url))], { quirks: { images: false } });
    for (const request of [body, blind.body]) {
      expect(JSON.stringify(request)).toContain(`[resource ${url} (image/*)]`);
      expect(JSON.stringify(request)).not.toMatch(/"image_url"|input_image|"source"/);
    }
  });
});

/** Refusals of addresses, in the words of the vendors. */
const refusals: [wire: WireName, from: string, message: string][] = [
  ["chat", "OpenAI", `Error while downloading ${url}.`],
  ["chat", "OpenAI", `Timeout while downloading ${url}.`],
  ["chat", "Ollama", "invalid image input"],
  ["chat", "LM Studio", "Invalid 'content': 'url' field must be a base64 encoded image."],
  ["chat", "Copilot", "external image URLs are not supported"],
  ["chat", "DashScope", "Failed to download multimodal content"],
  ["chat", "LiteLLM", "illegal base64 data at input byte 5"],
  ["responses", "OpenAI", `Error while downloading ${url}.`],
  ["responses", "others", "image URLs are not supported"],
  ["messages", "Anthropic", "Unable to download the file. Please verify the URL and try again."],
  ["messages", "Vertex", "messages.0.content.1.image.source.base64.data: URL sources are not supported"],
  ["messages", "Ollama", "invalid image source type: url. Only base64 images are supported."],
  ["messages", "others", "URL images are not supported"],
];

test.each(refusals)("a refusal of an address over %s (%s) is not one of all pictures: %s", (name, _from, message) => {
  const wire = wireOf(name);
  const provider = { quirks: defaultQuirks, baseUrl: "https://api.example/v1" } as Provider;
  const refusal = wire.error(JSON.stringify({ error: { message } }), 400);
  const [lesson] = wire.learn(refusal, wire.quirks(provider, "m"));
  expect(lesson).toMatchObject({ leavesOutMedia: true });
});

describe("a provider that takes no addresses", () => {
  const refusing = () =>
    startLlmServer(({ text: body }) =>
      body.includes(`"url":"${url}"`)
        ? failure(400, { body: { error: { message: "external image URLs are not supported" } } })
        : reply("ok"),
    );
  const isSent = ({ text: body }: LlmRequest) => ({
    address: body.includes(`"url":"${url}"`),
    note: body.includes(`[resource ${url}`),
    data: body.includes("data:image/png"),
  });

  test("fails the message that has one, in its own words", async () => {
    await using server = await refusing();
    await using ends = clientOf(server, { maxRetries: 0 });
    const failed = ends.ask({ streaming: false }, { messages: [user(text("look"), pictureAt(url))], tools: [] });
    await expect(failed).rejects.toMatchObject({
      kind: "bad_request",
      message: expect.stringContaining("external image URLs are not supported"),
    });
  });

  test("is sent a text for one earlier in the conversation, and other pictures as before", async () => {
    await using server = await refusing();
    await using ends = clientOf(server, { maxRetries: 0 });
    const messages = [user(text("look"), pictureAt(url)), said, user(text("and this?"), data)];
    for (let time = 0; time < 2; time++) await ends.ask({ streaming: false }, { messages, tools: [] });
    const noted = { address: false, note: true, data: true };
    expect(server.requests.map(isSent)).toEqual([{ address: true, note: false, data: true }, noted, noted]);
  });
});

test("an address that was sent as a text is not taken for the picture that a refusal is about", () => {
  const messages = [user(data), said, user(pictureAt(url)), said, user(text("and?"))];
  const contents = [{ inlineData: { data: data.data } }, { text: `[resource ${url} (image/*)]` }];
  const body = JSON.stringify({ contents });
  expect(suspectedMedia("Provided image is not valid.", { body, messages, before: 0 })).toEqual([data]);
});

test("of several addresses, the one that the refusal names becomes a text", async () => {
  const other = "https://pictures.example/dog.png";
  await using server = await startLlmServer(({ text: body }) =>
    body.includes(`"url":"${url}"`)
      ? failure(400, { body: { error: { message: `Error while downloading ${url}.`, code: "invalid_image_url" } } })
      : reply("ok"),
  );
  await using ends = clientOf(server, { maxRetries: 0 });
  const messages = [user(text("look"), pictureAt(url), pictureAt(other)), said, user(text("and?"))];
  await ends.ask({ streaming: false }, { messages, tools: [] });
  const last = server.requests.at(-1)?.text;
  expect(last).toContain(`[resource ${url}`);
  expect(last).toContain(`"url":"${other}"`);
});
