import { expect, test } from "@jest/globals";
import type { KeptApprovals, RememberedTool } from "../../src/core/ports.js";
import type { App } from "../../src/index.js";
import { SessionApprovals } from "../../src/session/turns/session-approvals.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { Desk } from "./desk.js";

const tool: RememberedTool = { server: "s", tool: "t", place: "p" };

/** Answers that were kept, by the name of their project. */
function keeping(allowed: Record<string, boolean>): KeptApprovals {
  return {
    find: (_, project) => {
      const allow = allowed[project];
      return allow === undefined ? undefined : { allow, remember: "project" };
    },
    keep: () => {},
  };
}

test.each<[string, Record<string, boolean>, boolean | undefined]>([
  ["a refusal under the earlier name still holds", { shared: false }, false],
  [
    "a refusal under the earlier name holds beside a permission for the folder",
    { shared: false, "/work": true },
    false,
  ],
  ["a permission under the earlier name does not hold", { shared: true }, undefined],
  ["a permission for the folder holds", { "/work": true }, true],
])("of the answers for a project, %s", (_, allowed, expected) => {
  const parts = { approvals: keeping(allowed), project: "/work", earlierProject: "shared" };
  expect(new SessionApprovals(parts).find(tool)?.allow).toBe(expected);
});

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
