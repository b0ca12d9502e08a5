import type { App } from "../../../src/index.js";
import { type Door, type Prompt, settled } from "./door.js";

export const library: Door = {
  name: "the library",
  streamsByRequest: true,
  async open(app, streaming) {
    return {
      prompt: (prompt) => settled(ask(app, prompt, streaming)),
      history: async (conversationId) => JSON.stringify(await app.sessions.history(conversationId)),
      async [Symbol.asyncDispose]() {},
    };
  },
};

async function ask(app: App, prompt: Prompt, streaming: boolean): Promise<void> {
  const { conversationId, requestId, text, answer, cancelAt } = prompt;
  const session = app.sessions.open(conversationId);
  void cancelAt?.then(() => session.cancel(requestId));
  for await (const event of session.prompt({ requestId, text, streaming })) {
    if (event.type === "question") session.answer(event.questionId, answer);
  }
}
