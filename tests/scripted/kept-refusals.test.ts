import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { openApprovals } from "../../src/host/user-state.js";
import { createApp } from "../../src/index.js";
import { fixtureServer } from "../support/app.js";
import { configFor } from "../support/cli.js";
import { answer, startLlmServer, toolCalls } from "../support/llm-server.js";
import { ScriptFolder } from "./support.js";

const call = (n: number) => toolCalls([{ name: "fs__echo", arguments: { n } }]);
const steps = [{ user: "echo" }, { tool: { name: "fs.echo", args: { n: 2 } }, assert: [{ type: "denied" }] }];

/** Returns a configuration and an environment in which the user has answered the question about fs.echo for good. */
async function answered(folder: ScriptFolder, llm: string, { allow }: { allow: boolean }) {
  const env = { HOME: folder.path, PATH: process.env.PATH };
  const place = { storage: { path: join(folder.path, "log.db") } };
  const config = { ...configFor(llm, { fs: fixtureServer() }), chat: place };
  await using app = await createApp({ config, env, observe: () => {} });
  const session = app.sessions.open("c1");
  const turn = await session.submit({ requestId: "1", text: "echo" });
  for await (const event of turn.watch()) {
    if (event.type === "question") session.answer(event.questionId, { allow, remember: "always" });
  }
  const permissions = { allow: allow ? [] : ["fs.*"] };
  return { config: { ...config, chat: { ...place, service: { permissions } } }, env };
}

test("what the user never allows does not run in a live script", async () => {
  using folder = new ScriptFolder();
  await using llm = await startLlmServer([call(0), answer("no"), call(1), answer("denied")]);
  const mine = await answered(folder, llm.url, { allow: false });
  folder.write("a.session.yaml", { steps });
  const { steps: done } = await folder.run("a.session.yaml", mine);
  for (const { outcome } of done) {
    expect(outcome?.calls).toMatchObject([
      { isDenied: true, text: expect.stringContaining("has said no to fs__echo") },
    ]);
  }
  expect(done.map(({ passed }) => passed)).toEqual([true, true]);
});

test("what the user always allows is asked about in a script, whose own answers are not kept", async () => {
  using folder = new ScriptFolder();
  await using llm = await startLlmServer([call(0), answer("yes"), call(1), answer("denied"), call(1), answer("ran")]);
  const mine = await answered(folder, llm.url, { allow: true });
  folder.write("a.session.yaml", {
    steps: [...steps, { user: "again" }, { answer: { allow: false, remember: "always" } }],
  });
  const { steps: done } = await folder.run("a.session.yaml", mine);
  expect(done.map(({ outcome }) => outcome?.calls?.map(({ isDenied }) => isDenied) ?? [])).toEqual([
    [true],
    [true],
    [true],
    [],
  ]);
  expect(openApprovals(mine.env, () => {}).list()).toMatchObject([{ tool: "echo", allow: true }]);
});
