import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { fixtureServer } from "../support/app.js";
import { configFor, ended, Workplace } from "../support/cli.js";
import { answer, chunk, stall, startLlmServer, stream } from "../support/llm-server.js";
import { recording } from "../support/mcp-hub.js";

/** Makes a home with these conversations: each name with the texts of its prompts. */
async function withConversations(
  conversations: Record<string, string[]>,
  work: (place: Workplace, llm: Awaited<ReturnType<typeof startLlmServer>>) => Promise<void>,
  mcpServers = {},
): Promise<void> {
  await using llm = await startLlmServer(({ body }) => answer(`re: ${body.messages?.at(-1)?.content}`));
  using place = new Workplace();
  place.configure(configFor(llm.url, mcpServers));
  for (const [id, texts] of Object.entries(conversations)) {
    for (const text of texts) await place.run(["run", "--conversation", id, "--request-id", text, text]);
  }
  await work(place, llm);
}

test("conversations are listed, shown, copied, taken back, exported and deleted", () =>
  withConversations({ c1: ["first things", "second thoughts"] }, async (place, llm) => {
    const sessions = (...args: string[]) => place.run(["sessions", ...args]);
    expect((await sessions()).stdout).toMatch(
      /^c1 {2}\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC {2}2 turns {2}idle {2}first things\n$/,
    );
    expect((await sessions("show", "c1")).stdout).toMatch(
      /1 {2}you: first things[\s\S]*5 {2}assistant: re: second thoughts\n$/,
    );
    expect((await sessions("show", "c1", "--from", "4")).stdout).not.toContain("first things");
    expect(await sessions("fork", "c1", "--to", "3", "--id", "c2")).toMatchObject({ exitCode: 0, stdout: "c2\n" });
    expect((await sessions("rewind", "c1", "--turns", "1")).stdout).toBe("goes on after event 3\n");
    await place.run(["run", "--conversation", "c1", "third time"]);
    expect(
      llm.requests
        .at(-1)
        ?.body.messages?.slice(1)
        .map(({ content }) => content),
    ).toEqual(["first things", "re: first things", "third time"]);
    const again = await place.run([
      "run",
      "--conversation",
      "c1",
      "--request-id",
      "second thoughts",
      "second thoughts",
    ]);
    expect([again.stdout, llm.requests.length]).toEqual(["re: second thoughts\n", 3]);
    const list = JSON.parse((await sessions("list", "--json")).stdout);
    expect(list).toMatchObject([
      { conversation_id: "c1", title: "first things", turns: 2, state: "idle", last_seq: 10 },
      { conversation_id: "c2", title: "first things", turns: 1, state: "idle", last_seq: 4 },
    ]);
    expect(JSON.parse((await sessions("show", "c2", "--json")).stdout).events[0]).toMatchObject({
      type: "fork",
      origins: ["c1"],
    });

    const file = join(place.folder, "c1.html");
    expect(await sessions("export", "c1", "--format", "html", "-o", file)).toMatchObject({ exitCode: 0, stdout: "" });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).toContain("third time");
    expect((await sessions("export", "c1")).stdout).toContain("> third time");

    expect(await sessions("delete", "c1", "--yes")).toMatchObject({ exitCode: 0, stdout: "1 deleted\n" });
    expect(await sessions("delete", "--all", "--yes")).toMatchObject({ exitCode: 0, stdout: "1 deleted\n" });
    expect((await sessions("list")).stdout).toBe("there is no conversation yet\n");
  }));

test("the commands of sessions start no server and ask no provider", async () => {
  using record = recording();
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url, { s: fixtureServer({ record: record.path }, { required: true }) }));
  expect((await place.run(["sessions"])).exitCode).toBe(0);
  expect([record.lines(), llm.requests]).toEqual([[], []]);
});

test("impossible requests are refused with exit code 2, and change nothing", () =>
  withConversations({ c1: ["hello"] }, async (place) => {
    for (const [what, args, text] of [
      ["a conversation that is not there", ["show", "nope"], "there is no conversation nope"],
      ["a copy of nothing", ["fork", "nope"], "there is no conversation nope"],
      ["a copy under a name that is taken", ["fork", "c1", "--id", "c1"], "already a conversation c1"],
      ["a rewind to where nothing follows", ["rewind", "c1", "--to", "3"], "no turn began after event 3"],
      ["a rewind both ways", ["rewind", "c1", "--to", "1", "--turns", "1"], "cannot be used with"],
      ["a rewind of no turn", ["rewind", "c1", "--turns", "0"], "a whole number from 1"],
      ["deleting where nobody can be asked", ["delete", "c1"], "--yes"],
      ["deleting all without a word", ["delete", "--all"], "--all --yes"],
      ["deleting nothing", ["delete"], "which conversation?"],
      ["a format that is none", ["export", "c1", "--format", "pdf"], "md, json, html"],
    ] as const) {
      const { exitCode, stdout, stderr } = await place.run(["sessions", ...args]);
      expect([what, exitCode, stdout]).toEqual([what, 2, ""]);
      expect(stderr).toContain(text);
    }
    expect((await place.run(["sessions"])).stdout).toMatch(/^c1 .* 1 turn /);
  }));

test("a title and a message cannot control the terminal", () =>
  withConversations({ c1: ["\u001b]0;owned\u0007red \u001b[31malert"] }, async (place) => {
    expect((await place.run(["sessions"])).stdout).toContain("red alert\n");
    expect((await place.run(["sessions", "show", "c1"])).stdout).toContain("you: red alert\n");
  }));

describe("while another process runs a turn of the conversation", () => {
  async function withRunning(
    work: (place: Workplace, running: ReturnType<typeof ended>) => Promise<void>,
  ): Promise<void> {
    await using llm = await startLlmServer(({ body }) =>
      body.messages?.at(-1)?.content === "tell me all"
        ? stream([chunk({ content: "half" }), stall])
        : answer("new answer"),
    );
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const child = place.start("run", "--conversation", "c1", "tell me all");
    const running = ended(child, "");
    await llm.received(1);
    await work(place, running);
    child.kill("SIGINT");
    await running;
  }

  test("rewind and delete are refused", () =>
    withRunning(async (place) => {
      expect((await place.run(["sessions"])).stdout).toMatch(/^c1 .* running {2}tell me all\n$/);
      for (const args of [
        ["rewind", "c1"],
        ["delete", "c1", "--yes"],
        ["delete", "--all", "--yes"],
      ]) {
        const { exitCode, stderr } = await place.run(["sessions", ...args]);
        expect([exitCode, stderr]).toEqual([
          2,
          expect.stringMatching(/^error: (a turn of c1|“tell me all” is not deleted:) .*\nhint: wait (until|for)\b/),
        ]);
      }
    }));

  test("--interrupt cancels the turn and answers the new message", () =>
    withRunning(async (place, running) => {
      const args = ["run", "--conversation", "c1", "--interrupt", "only this"];
      expect(await place.run(args)).toMatchObject({ exitCode: 0, stdout: "new answer\n" });
      expect((await running).exitCode).toBe(130);
    }));

  test("a kill of that process leaves an unfinished turn, and the conversation may be deleted", async () => {
    await using llm = await startLlmServer([stream([stall])]);
    using place = new Workplace();
    place.configure(configFor(llm.url));
    const child = place.start("run", "--conversation", "c1", "tell me all");
    const killed = ended(child, "");
    await llm.received(1);
    child.kill("SIGKILL");
    await killed;
    expect((await place.run(["sessions"])).stdout).toMatch(/ unfinished {2}tell me all\n$/);
    expect((await place.run(["sessions", "rewind", "c1"])).stderr).toContain("chat -r c1");
    expect((await place.run(["sessions", "delete", "c1", "--yes"])).exitCode).toBe(0);
    expect((await place.run(["sessions"])).stdout).toBe("there is no conversation yet\n");
  });
});

test("a long-running host deletes conversations beyond max_conversations when it starts", () =>
  withConversations({ c1: ["a"], c2: ["b"], c3: ["c"] }, async (place, llm) => {
    place.configure(configFor(llm.url, {}, { chat: { storage: { max_conversations: 2, max_age: "90d" } } }));
    expect((await place.run(["run", "--conversation", "c3", "one shot"])).exitCode).toBe(0);
    expect((await place.run(["sessions"])).stdout.split("\n")).toHaveLength(4);
    const [two, all] = await Promise.all(
      ["2", "0"].map((n) => place.run(["sessions", "list", "--limit", n, "--json"])),
    );
    expect(JSON.parse(two?.stdout ?? "")).toMatchObject([{ conversation_id: "c3" }, { conversation_id: "c2" }]);
    expect(two?.stderr).toContain("these are the latest 2: --limit N shows more, --limit 0 all");
    expect([JSON.parse(all?.stdout ?? ""), all?.stderr]).toMatchObject([{ length: 3 }, ""]);
    const host = place.start("--log-level", "info", "stdio");
    const end = ended(host);
    await new Promise<void>((resolve) =>
      host.stderr?.on("data", (text) => String(text).includes("1 conversations") && resolve()),
    );
    host.stdin?.end();
    expect((await end).exitCode).toBe(0);
    expect((await place.run(["sessions"])).stdout).toMatch(/^c3 .*\nc2 .*\n$/);
  }));

test.each(["90", "soon", "-1d"])("a max_age of %j is refused", async (maxAge) => {
  await using llm = await startLlmServer([]);
  using place = new Workplace();
  place.configure(configFor(llm.url, {}, { chat: { storage: { max_age: maxAge } } }));
  const { exitCode, stderr } = await place.run(["sessions"]);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining("chat.storage.max_age")]);
});
