/** What the command line answers to wrong inputs. Each message is pinned whole, and says what to do. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { failure, json, type LlmServer, startLlmServer } from "../support/llm-server.js";

const place = new Workplace();
let llm: LlmServer;

beforeAll(async () => {
  const missing = failure(404, { body: { error: { message: "there is no such model" } } });
  llm = await startLlmServer(({ method }) =>
    method === "GET" ? json({ data: [{ id: "m1" }, { id: "m2" }] }) : missing,
  );
  const dead = { command: "no-such-program" };
  place.configure(configFor(llm.url, { s: fixtureServer(), dead }, { logging: { level: "error" } }));
});

afterAll(async () => {
  place[Symbol.dispose]();
  await llm[Symbol.asyncDispose]();
});

type Case = [args: string[], exitCode: number, stderr: string];

async function wrong([args, exitCode, stderr]: Case): Promise<void> {
  const ended = await place.run(args);
  const said = ended.stderr.replaceAll(place.folder, "FOLDER");
  expect({ exitCode: ended.exitCode, stderr: said.trimEnd() }).toEqual({ exitCode, stderr });
}

const help = "(--help shows all commands and options)";

describe("a command", () => {
  test.each<Case>([
    [
      ["run", "-m", "m3", "hi"],
      3,
      "error: test/m3: error 404: there is no such model\nhint: Set llm.providers.test.model (or -m) to a model that this key may use, and check llm.providers.test.base_url.\nmodels to choose from: test/m1, test/m2",
    ],
    [
      ["serve", "--port", "99999"],
      2,
      `error: option '--port <n>' argument '99999' is invalid. a port is a whole number from 0 to 65535; 0 chooses a free one\n${help}`,
    ],
    [["tools", "ss"], 2, "error: there is no server ss (did you mean s?)\nhint: servers: s, dead"],
  ])("%j", async (...given) => wrong(given));
});

test("tools ends with 5 if a server is down that it was asked about, and only then", async () => {
  const runs = await Promise.all([["tools"], ["tools", "s"], ["tools", "dead"]].map((args) => place.run(args)));
  expect(runs.map(({ exitCode, stdout }) => [exitCode, stdout.includes("s.echo")])).toEqual([
    [5, true],
    [0, true],
    [5, false],
  ]);
});
