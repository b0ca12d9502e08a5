/** Doors over HTTP: this host's own API, OpenAI's two APIs and Anthropic's. */
import { createParser } from "eventsource-parser";
import type { HttpDoor } from "../../../src/doors/http/serve.js";
import type { App } from "../../../src/index.js";
import { openDoor, post, sdk } from "../../doors/http/door.js";
import { type Message, readMessage } from "../../support/wire-messages.js";
import { type Door, type OpenDoor, type Prompt, settled } from "./door.js";

export const http: Door = { name: "HTTP", streamsByRequest: true, open: openHttp };
export const chatCompletions = modelApi("OpenAI chat completions", async (door, { text, model }, stream, headers) => {
  const messages = [{ role: "user" as const, content: text }];
  const { completions } = sdk(door).chat;
  if (!stream) return void (await completions.create({ model, messages }, { headers }));
  for await (const _ of await completions.create({ model, messages, stream }, { headers }));
});
export const responses = modelApi("OpenAI responses", async (door, { text, model }, stream, headers) => {
  const asked = { model, input: text };
  if (!stream) return void (await sdk(door).responses.create(asked, { headers }));
  for await (const _ of await sdk(door).responses.create({ ...asked, stream }, { headers }));
});
export const messages = modelApi("Anthropic messages", async (door, { text, model }, stream, headers) => {
  const asked = { model, max_tokens: 100, messages: [{ role: "user", content: text }], stream };
  await (await post(`${door.url}/v1/messages`, asked, { "content-type": "application/json", ...headers })).text();
});

async function openHttp(app: App, streaming: boolean): Promise<OpenDoor> {
  const door = await openDoor(app);
  return {
    async prompt({ conversationId, requestId, text, answer, cancelAt }) {
      const url = `${door.url}/api/sessions/${conversationId}`;
      const accepted = await post(`${url}/turns`, { request_id: requestId, text, streaming });
      if (!accepted.ok) return;
      void cancelAt?.then(() => post(`${url}/cancel`, { request_id: requestId }));
      const { turn_id } = (await accepted.json()) as { turn_id: string };
      let isOver = false;
      const take = ({ chunk: { type, data, metadata } }: Message) => {
        if (metadata?.turn_id !== turn_id) return;
        if (type === "question") {
          void post(`${url}/answer`, { question_id: (data as { question_id: string }).question_id, value: answer });
        }
        if (type === "turn_end" || type === "turn_error") isOver = true;
      };
      const parser = createParser({ onEvent: ({ data }) => take(readMessage(data)) });
      const { body } = await fetch(`${url}/events`);
      for await (const bytes of body ?? []) {
        parser.feed(Buffer.from(bytes).toString());
        if (isOver) break;
      }
    },
    history: async (conversationId) => (await fetch(`${door.url}/api/sessions/${conversationId}`)).text(),
    async [Symbol.asyncDispose]() {
      door.close();
    },
  };
}

type Call = (
  door: HttpDoor,
  prompt: Prompt & { model: string },
  stream: boolean,
  headers: Record<string, string>,
) => Promise<void>;

/**
 * Returns a door for an API of models. `stream` is about the answer to the client; if the client wants no stream, the configuration
 * decides whether the provider streams.
 */
function modelApi(name: string, call: Call): Door {
  return {
    name,
    cannot: {
      ask: "the API has no question that a call could be in the middle of",
      "show history": "the API gives one answer",
    },
    streamsByRequest: false,
    async open(app, streaming) {
      const door = await openDoor(app);
      const { model } = app.resolveModel();
      return {
        prompt(prompt) {
          const { conversationId, requestId, cancelAt } = prompt;
          const cancel = () => post(`${door.url}/api/sessions/${conversationId}/cancel`, { request_id: requestId });
          void cancelAt?.then(cancel);
          const headers = { "x-conversation-id": conversationId, "x-request-id": requestId };
          return settled(call(door, { ...prompt, model }, streaming, headers));
        },
        async [Symbol.asyncDispose]() {
          door.close();
        },
      };
    },
  };
}
