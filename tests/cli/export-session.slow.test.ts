import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { load } from "js-yaml";
import type { Question } from "../../src/core/events.js";
import type { JsonSchema } from "../../src/core/messages.js";
import { createApp } from "../../src/index.js";
import { fixtureServer } from "../support/app.js";
import { configFor, Workplace } from "../support/cli.js";
import { answer, failure, json, startLlmServer, toolCalls } from "../support/llm-server.js";

type Step = ReturnType<typeof answer>;

interface Talk {
  /** The model's answers to each prompt. */
  turns: Record<string, Step[]>;
  /** Returns the user's answer to a question. */
  reply?: (question: Question) => unknown;
  server?: object;
  /** The section `chat` of the configuration. */
  chat?: object;
  /** The prompt of the turn that begins with a summary of the earlier turns. */
  compacted?: string;
  /** Schemas of the answers to these prompts. */
  schemas?: Record<string, JsonSchema>;
}

/** Returns a home whose log has the conversation `c1`. Its model has been stopped, and so have its servers. */
async function talked({
  turns,
  reply = () => true,
  server = fixtureServer(),
  chat = {},
  compacted,
  schemas = {},
}: Talk): Promise<Workplace> {
  const place = new Workplace();
  const storage = { driver: "sqlite", path: join(place.folder, "log.db") };
  await using llm = await startLlmServer(Object.values(turns).flat());
  place.configure({ ...configFor(llm.url, { fs: server }), chat: { ...chat, storage } });
  const env = { HOME: place.folder };
  await using app = await createApp({ config: join(place.folder, "config.yaml"), env, observe: () => {} });
  const session = app.sessions.open("c1");
  for (const text of Object.keys(turns)) {
    if (text === compacted) session.compactNext();
    const jsonSchema = schemas[text];
    const turn = await session.submit({ requestId: text, text, ...(jsonSchema && { output: { jsonSchema } }) });
    for await (const event of turn.watch()) {
      if (event.type === "question") session.answer(event.questionId, reply(event.question));
    }
  }
  return place;
}

const exported = (place: Workplace, ...args: string[]) =>
  place.run(["sessions", "export", "c1", "--as", "session", "-o", "out", ...args]);

/** Replays the exported files in a new home that has no configuration and no log. */
async function playedElsewhere(place: Workplace) {
  using elsewhere = new Workplace();
  for (const name of readdirSync(join(place.folder, "out"))) {
    elsewhere.write(name, readFileSync(join(place.folder, "out", name), "utf8"));
  }
  return await elsewhere.run(["run", "c1.session.yaml", "--replay"]);
}

const written = (place: Workplace, name = "c1.session.yaml") => readFileSync(join(place.folder, "out", name), "utf8");

test("a conversation with every kind of event plays anywhere, without its model and servers", async () => {
  const form = { type: "object", properties: { name: { type: "string" } } };
  const ask = { method: "elicitation/create", params: { message: "Who are you?", requestedSchema: form } };
  using place = await talked({
    turns: {
      "two at once {{x}}": [
        toolCalls([
          { name: "fs__echo", arguments: { n: 1 }, id: "call_a" },
          { name: "fs__log", arguments: { level: "info", data: "x" }, id: "call_b" },
        ]),
        answer("both are\ndone", { reasoning: "hm" }),
      ],
      "it fails": [toolCalls([{ name: "fs__oddly", arguments: {} }]), answer("\n\tit failed: {{x}} # '\"")],
      "not that": [toolCalls([{ name: "fs__echo", arguments: { n: 2 } }]), answer("as you like")],
      "who am I?": [toolCalls([{ name: "fs__ask", arguments: ask }]), answer("you are Ada")],
      "log me in": [toolCalls([{ name: "fs__visit", arguments: { url: "https://a.test/login" } }]), answer("welcome")],
      "no such tool": [toolCalls([{ name: "fs__eccho", arguments: '{"n":' }]), answer("sorry")],
    },
    reply: (question) => {
      if (question.kind === "elicitation") return { action: "accept", content: { name: "Ada" } };
      return !(question.kind === "approval" && question.call.arguments.includes("2"));
    },
  });
  const { exitCode, stdout, stderr } = await exported(place);
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: "out/c1.session.yaml\nout/c1.cassette.jsonl\n",
    stderr: "",
  });
  expect(written(place)).toMatch(/^#!\/usr\/bin\/env -S mcp-platform run\n/);
  expect(written(place)).toContain("user: two at once \\{{x}}");
  expect(written(place)).toContain("- answer: true\n    to:\n      tool: fs.echo\n");
  expect(written(place)).toContain(
    "- {type: trajectory:tool-sequence, value: {mode: exact, steps: [fs.echo, fs.log]}}\n",
  );
  expect(statSync(join(place.folder, "out", "c1.cassette.jsonl")).mode & 0o777).toBe(0o600);
  const played = await playedElsewhere(place);
  expect(played.stderr).not.toContain("FAILED");
  expect(played).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^passed c1\.session\.yaml c1 \(test\/m1/),
  });
  // The replay does not depend on the configuration of the home where the file was made either.
  expect((await place.run(["run", "out/c1.session.yaml", "--replay"])).exitCode).toBe(0);
});

test("answers that did not fit a question are left out if it was asked again, and are exported as no otherwise", async () => {
  const form = { type: "object", properties: { name: { type: "string" } }, required: ["name"] };
  const ask = { method: "elicitation/create", params: { message: "Who are you?", requestedSchema: form } };
  const echo = toolCalls([{ name: "fs__echo", arguments: { n: 1 } }]);
  using place = await talked({
    turns: {
      "who am I?": [toolCalls([{ name: "fs__ask", arguments: ask }]), answer("you are Ada")],
      "say it": [echo, answer("as you like")],
    },
    reply: (question) => {
      if (question.kind === "approval") return question.tool === "ask" ? true : "yes";
      if (question.kind !== "elicitation") return false;
      return {
        action: "accept",
        content: question.message.includes("does not fit") ? { name: "Ada" } : { nmae: "Ada" },
      };
    },
  });
  expect(await exported(place)).toMatchObject({ exitCode: 0, stderr: "" });
  expect(written(place)).toContain("action: accept\n      content: {name: Ada}\n");
  expect(written(place)).not.toContain("nmae");
  expect(written(place)).toContain("- answer: false");
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("a conversation with a summary is exported with the summarised turns themselves", async () => {
  const long = "a long story ".repeat(200);
  using place = await talked({
    turns: { tell: [answer(long)], more: [answer("more")], end: [answer("the summary"), answer("the end")] },
    compacted: "end",
  });
  expect((await place.run(["sessions", "show", "c1"])).stdout).toContain("the summary");
  const { exitCode, stderr } = await exported(place);
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^turn 3 made a summary of the turns before; /)]);
  expect(written(place)).toContain("{type: contains, value: a long story a long story");
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("a shortened tool result is exported as the model saw it", async () => {
  using place = await talked({
    turns: { go: [toolCalls([{ name: "fs__big", arguments: { bytes: 200_000 } }]), answer("large")] },
    chat: { service: { approval: "auto" } },
  });
  expect((await place.run(["sessions", "show", "c1", "--json"])).stdout).toContain('"result_ids"');
  expect(await exported(place)).toMatchObject({ exitCode: 0 });
  expect(statSync(join(place.folder, "out", "c1.cassette.jsonl")).size).toBeLessThan(100_000);
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("an answer to a JSON Schema is exported with that schema, unless the answer was cut", async () => {
  const schema = { type: "object", required: ["sum"], properties: { sum: { type: "number", title: "{{x}}" } } };
  const call = { id: "call_a", type: "function", function: { name: "fs__echo", arguments: "{}" } };
  const lookingUp = { role: "assistant", content: "Let me see.", tool_calls: [call] };
  const cut = answer('{"su', { finishReason: "length" });
  using place = await talked({
    turns: {
      "free words": [answer("hello")],
      "as JSON": [json({ choices: [{ message: lookingUp }] }), answer("It is 4."), answer('{"sum":4}')],
      "too long": [cut],
    },
    schemas: { "as JSON": schema, "too long": schema },
  });
  const { exitCode, stderr } = await exported(place);
  const note =
    "turn 3 was cut before its answer had the shape of its JSON Schema; the session does not ask for the shape";
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: expect.stringContaining(note) });
  const { steps } = load(written(place)) as { steps: object[] };
  expect(steps.filter((step) => "user" in step)).toEqual([
    expect.not.objectContaining({ output: expect.anything() }),
    expect.objectContaining({ user: "as JSON", output: { json_schema: schema } }),
    expect.not.objectContaining({ output: expect.anything() }),
  ]);
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("two exports are the same, byte for byte", async () => {
  using place = await talked({ turns: { hi: [toolCalls([{ name: "fs__echo", arguments: {} }]), answer("ho")] } });
  for (const folder of ["a", "b"]) await place.run(["sessions", "export", "c1", "--as", "session", "-o", folder]);
  for (const name of ["c1.session.yaml", "c1.cassette.jsonl"]) {
    const [a, b] = ["a", "b"].map((folder) => readFileSync(join(place.folder, folder, name), "utf8"));
    expect(a).toBe(b);
  }
});

test("turns that were taken back, failed or did not end are left out, and a copy is exported like its original", async () => {
  using place = await talked({
    turns: { first: [answer("one")], wrong: [failure(400)], "third {{": [answer("three")], gone: [answer("four")] },
  });
  expect((await place.run(["sessions", "rewind", "c1"])).exitCode).toBe(0);
  expect((await place.run(["sessions", "fork", "c1", "--id", "c2"])).exitCode).toBe(0);
  const { exitCode, stderr } = await exported(place);
  expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/^turn 2 is left out: it failed: .*\n$/)]);
  expect(written(place)).toMatch(/^# turn 2 is left out: it failed: /m);
  expect(written(place)).not.toMatch(/gone|wrong/);
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
  const copy = await place.run(["sessions", "export", "c2", "--as", "session"]);
  expect(copy).toMatchObject({ exitCode: 0, stdout: "c2.session.yaml\nc2.cassette.jsonl\n" });
  const steps = (text: string) => text.slice(text.indexOf("steps:"));
  expect(steps(readFileSync(join(place.folder, "c2.session.yaml"), "utf8"))).toBe(steps(written(place)));
});

test("calls that ran unasked run unasked in the replay, by their arguments if others were asked about", async () => {
  const echo = (n: number) => toolCalls([{ name: "fs__echo", arguments: { n } }]);
  using place = await talked({
    turns: {
      rule: [echo(1), answer("a")],
      asked: [echo(2), answer("b")],
      remembered: [echo(3), answer("c")],
      after: [echo(4), answer("d")],
      denied: [toolCalls([{ name: "fs__env", arguments: {} }]), answer("e")],
    },
    reply: (question) =>
      question.kind === "approval" && question.call.arguments.includes("3")
        ? { allow: true, remember: "session" }
        : true,
    chat: { service: { permissions: { allow: ["fs.echo(n=1)"], deny: ["fs.env"] } } },
  });
  expect(await exported(place)).toMatchObject({ exitCode: 0 });
  expect(written(place)).toContain('allow_in_replay:\n    - fs__echo(n="1")\n  deny:\n    - fs__env\n');
  expect(written(place)).toContain("- answer:\n      allow: true\n      remember: session\n");
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("an exported session that runs live runs nothing unasked beyond what the configuration allows", async () => {
  const cwd = process.cwd();
  const call = (name: string, args: object) => toolCalls([{ name: `fs__${name}`, arguments: args }]);
  using place = await talked({
    turns: { look: [call("echo", { path: "/tmp/a", ids: ["a", "b"] }), answer("seen")] },
    server: fixtureServer(
      {},
      { tools: { deny: ["env"], auto_approve: ["echo"] }, sampling: "deny", roots: [".", "${HOME}/x"], cwd },
    ),
    chat: { service: { permissions: { allow: ["fs.*(path=/tmp/*)"], ask: ["fs.log"] } } },
  });
  expect(await exported(place)).toMatchObject({ exitCode: 0, stderr: "" });
  const { permissions, mcpServers } = load(written(place)) as Record<string, Record<string, unknown>>;
  expect(permissions).toEqual({ allow_in_replay: ["fs__echo"] });
  expect(mcpServers?.fs).toMatchObject({ tools: { deny: ["env"] }, sampling: "deny", roots: [".", "${HOME}/x"], cwd });
  expect(written(place)).not.toContain("auto_approve");
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });

  await using llm = await startLlmServer([
    call("echo", { path: "/tmp/b" }),
    call("echo", { path: "/etc/x" }),
    call("log", { level: "info", data: "x" }),
    call("env", {}),
    answer("done"),
  ]);
  const permitted = { allow: ["fs.*(path=/tmp/*)"], ask: ["fs.log"] };
  place.configure({ ...configFor(llm.url, {}), chat: { service: { permissions: permitted } } });
  await place.run(["run", "out/c1.session.yaml"]);
  const results = llm.requests.at(-1)?.body.messages?.filter(({ role }) => role === "tool");
  expect(results?.map(({ content }) => content)).toEqual([
    expect.not.stringMatching(/^not run: /),
    expect.stringMatching(/^not run: /),
    expect.stringMatching(/^not run: /),
    expect.stringMatching(/^there is no tool /),
  ]);
});

test("neither file has a secret, and settings of servers become variables", async () => {
  const secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
  const plain = "correct horse battery";
  using place = await talked({
    turns: {
      [`my key is ${secret}`]: [
        toolCalls([{ name: "fs__echo", arguments: { secret, plain } }]),
        answer(`you said ${secret}, ${plain} and sk-test-0123456789`),
      ],
    },
    server: fixtureServer({}, { env: { SECRET_TOKEN: plain } }),
    chat: { service: { approval: "auto" } },
  });
  expect(await exported(place)).toMatchObject({ exitCode: 0 });
  for (const name of ["c1.session.yaml", "c1.cassette.jsonl"]) {
    for (const hidden of [secret, plain, "sk-test-0123456789"]) expect(written(place, name)).not.toContain(hidden);
  }
  expect(written(place)).toContain("SECRET_TOKEN: ${SECRET_TOKEN}");
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("the definitions of the tools are those that the host has stored", async () => {
  using place = await talked({
    turns: { go: [toolCalls([{ name: "fs__echo", arguments: {} }]), answer("gone")] },
    chat: { service: { approval: "auto" } },
  });
  expect((await exported(place)).stderr).toBe("");
  expect(written(place, "c1.cassette.jsonl")).toContain("echo it");
  await place.run(["sessions", "fork", "c1", "--id", "c2"]);
  place.configure({ ...configFor("http://127.0.0.1:9/v1"), chat: { storage: { driver: "sqlite", path: "log.db" } } });
  const { exitCode, stderr } = await place.run(["sessions", "export", "c2", "--as", "session"]);
  expect([exitCode, stderr]).toEqual([
    0,
    expect.stringMatching(/^the definitions of fs's tools are made up from their calls/),
  ]);
  expect((await place.run(["run", "c2.session.yaml", "--replay"])).exitCode).toBe(0);
});

test("a conversation that a session cannot repeat is refused, and nothing is written", async () => {
  const message = { role: "user", content: { type: "text", text: "a word" } };
  const params = { messages: [message], maxTokens: 9 };
  const sample = toolCalls([{ name: "fs__ask", arguments: { method: "sampling/createMessage", params } }]);
  using place = await talked({
    turns: { lend: [sample, answer("word"), answer("thanks")] },
    server: fixtureServer({}, { sampling: "ask" }),
  });
  const { exitCode, stderr } = await exported(place);
  expect([exitCode, stderr]).toEqual([
    2,
    "error: turn 1 contains answers of the model to a server (sampling), which the log does not have\n",
  ]);
  expect(readdirSync(place.folder)).not.toContain("out");
});

test("a conversation with the demo model is exported like any other", async () => {
  using place = new Workplace();
  await place.run(["run", "--conversation", "c1", "--yes", "Add 2 and 40 with the add tool"]);
  const { exitCode, stderr } = await exported(place);
  expect([exitCode, stderr]).toEqual([0, ""]);
  expect(written(place)).toContain("mcpServers: {}");
  expect(written(place)).toContain("steps: [demo.add]");
  expect(statSync(join(place.folder, "out", "c1.session.yaml")).mode & 0o777).toBe(0o700);
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("calls of unknown tools, and several calls with one id, find their results", async () => {
  const echo = (n: number) => toolCalls([{ name: "fs__echo", arguments: { n }, id: "same" }]);
  using place = await talked({
    turns: { go: [echo(1), echo(2), toolCalls([{ name: "nothing", arguments: {}, id: "same" }]), answer("gone")] },
    chat: { service: { approval: "auto" } },
  });
  expect(await exported(place)).toMatchObject({ exitCode: 0 });
  expect(await playedElsewhere(place)).toMatchObject({ exitCode: 0 });
});

test("files that exist already are not overwritten", async () => {
  using place = await talked({ turns: { hi: [answer("ho")] } });
  expect((await exported(place)).exitCode).toBe(0);
  const { exitCode, stderr } = await exported(place);
  expect([exitCode, stderr]).toEqual([
    2,
    "error: out/c1.session.yaml is there already\nhint: Name another folder (-o), or remove it.\n",
  ]);
  expect((await place.run(["sessions", "export", "c1", "--as", "session", "--format", "md"])).exitCode).toBe(2);
});
