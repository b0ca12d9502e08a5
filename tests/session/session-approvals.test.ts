import { expect, test } from "@jest/globals";
import type { App } from "../../src/index.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { Desk } from "./desk.js";

test("an answer for the session does not hold in a new conversation with the id of one that another host deleted", async () => {
  await using llm = await startLlmServer(({ body }) =>
    body.messages?.at(-1)?.role === "tool" ? answer("done") : toolCalls([{ name: "s__echo", arguments: {} }]),
  );
  await using desk = await Desk.open();
  const [a, b] = [await desk.host(llm, { approval: "ask" }), await desk.host(llm, { approval: "ask" })];
  const questionsOf = async (app: App, requestId: string, value: unknown) => {
    let asked = 0;
    const session = app.sessions.open("main");
    for await (const event of session.prompt({ requestId, text: "go" })) {
      if (event.type !== "question") continue;
      asked++;
      session.answer(event.questionId, value);
    }
    return asked;
  };
  expect(await questionsOf(a, "r1", { allow: true, remember: "session" })).toBe(1);
  expect(await questionsOf(a, "r2", false)).toBe(0);
  await b.sessions.delete("main");
  expect(await questionsOf(b, "r3", false)).toBe(1);
  expect(await questionsOf(a, "r4", false)).toBe(1);
});
