import { pathToFileURL } from "node:url";
import { configFor } from "./config.mjs";

/** Starts a host with `createApp`. Resolves when its servers are ready. */
export async function startApp(setup, storage) {
  const { createApp } = await import(pathToFileURL(`${setup.dist}/index.js`).href);
  const env = { PATH: process.env.PATH, HOME: setup.home };
  const app = await createApp({ config: configFor(setup, storage), env, observe: () => {} });
  await app.ready();
  return app;
}

/** Starts a host and returns it with the methods of a contestant. */
export async function embed(setup, storage) {
  const app = await startApp(setup, storage);
  const tools = app.hub.tools();
  const requestOf = (text, history = []) => ({ messages: [...history, userMessage(text)], tools });
  let turns = 0;
  return {
    historyOf: (messages) => messages.map(toOurs),
    async complete(text, history) {
      return (await app.orchestrator.callOpenAIApi(requestOf(text, history))).message.content;
    },
    async stream(text, onText) {
      for await (const happening of app.orchestrator.streamOpenAIApi(requestOf(text))) {
        if (happening.type === "text_delta") onText(happening.delta);
      }
    },
    async turn(text) {
      const session = app.sessions.open();
      const answer = await answerOf(session.prompt({ requestId: `r${++turns}`, text }));
      await app.sessions.forget(session);
      return answer;
    },
    close: () => app.close(),
  };
}

/** Resolves with the last answer of a turn. */
export async function answerOf(events) {
  let answer;
  for await (const event of events) {
    if (event.type === "assistant_message") answer = event.message.content;
    if (event.type === "turn_error") throw new Error(event.error.message);
  }
  return answer;
}

function userMessage(text) {
  return { role: "user", content: [{ type: "text", text }] };
}

function toOurs({ role, content }) {
  return role === "user" ? userMessage(content) : { role, content, toolCalls: [] };
}
