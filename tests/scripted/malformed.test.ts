import { describe, expect, test } from "@jest/globals";
import { ConfigError } from "../../src/core/errors.js";
import { runScript } from "../../src/scripted/host/run-script.js";
import { readScript } from "../../src/scripted/reading/read-script.js";
import { ScriptFolder } from "./support.js";

/** Files `a.session.yaml` with one mistake each. */
const mistakes: [what: string, text: string, error: string][] = [
  ["no steps", "name: x\n", 'a.session.yaml:1:1: "steps" is missing'],
  ["an empty list of steps", "steps: []\n", "a.session.yaml:1:8 steps: must not be empty"],
  ["no YAML", "steps: [\n", "a.session.yaml:2:1: not valid YAML: deficient indentation"],
  ["a list at the top", "- user: hi\n", "a.session.yaml:1:1: expected a mapping, got a list"],
  [
    "aliases of aliases",
    `vars:\n  v0: &v0 [x, x]\n${Array.from({ length: 40 }, (_, at) => `  v${at + 1}: &v${at + 1} [*v${at}, *v${at}]\n`).join("")}steps: [{ user: hi }]\n`,
    "a.session.yaml:1:1: aliases (*name) make it more than ten times as large",
  ],
  ["a key twice", "steps:\n  - user: a\n    user: b\n", 'a.session.yaml:3:5: duplicate key "user"'],
  [
    "a misspelled key at the top",
    "modle: m\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:1 modle: unknown key "modle" (did you mean "model"?)',
  ],
  [
    "a misspelled step",
    "steps:\n  - user: hi\n  - toll: { name: fs.echo }\n",
    'a.session.yaml:3:5 steps[1].toll: unknown key "toll" (did you mean "tool"?)',
  ],
  [
    "a misspelled key in an assertion",
    "steps:\n  - user: hi\n    assert:\n      - { type: contains, valeu: x }\n",
    'a.session.yaml:4:27 steps[0].assert[0].valeu: unknown key "valeu" (did you mean "value"?)',
  ],
  [
    "an assertion that there is not",
    "steps:\n  - user: hi\n    assert:\n      - { type: not-contians, value: x }\n",
    'a.session.yaml:4:17 steps[0].assert[0].type: unknown assertion "not-contians" (did you mean "not-contains"?)',
  ],
  [
    "a step that does nothing",
    "steps:\n  - name: hi\n",
    "a.session.yaml:2:5 steps[0]: a step is one of user, tool, prompt, resource, answer, set, include, parallel, repeat, conversation, if",
  ],
  [
    "two steps in one",
    "steps:\n  - user: hi\n    answer: true\n",
    'a.session.yaml:2:5 steps[0]: "user" and "answer" are steps of their own: put a - before each',
  ],
  [
    "an answer to nothing",
    "steps:\n  - set: { a: 1 }\n  - answer: true\n",
    "a.session.yaml:3:5 steps[1]: there is no user, tool, prompt or resource step before this answer",
  ],
  [
    "a key of another step",
    "steps:\n  - tool: { name: fs.echo }\n    output: { json_schema: {} }\n",
    'a.session.yaml:3:5 steps[0].output: "output" belongs to user, not to tool',
  ],
  [
    "a tool without its name",
    "steps:\n  - tool: { args: {} }\n",
    'a.session.yaml:2:5 steps[0].tool: "name" is missing',
  ],
  [
    "a tool of no server",
    "steps:\n  - tool: { name: echo }\n",
    'a.session.yaml:2:19 steps[0].tool.name: expected server.tool, got "echo"',
  ],
  [
    "a template that does not end",
    "steps:\n  - user: hi {{who\n",
    "a.session.yaml:2:11 steps[0].user: {{ without }} (write \\{{ for a literal {{)",
  ],
  [
    "a template that is none",
    "steps:\n  - tool: { name: fs.echo, args: { a: ['{{who you}}'] } }\n",
    "a.session.yaml:2:40 steps[0].tool.args.a[0]: {{who you}} is not a variable: write {{name}} or {{name.key[0]}}, and \\{{ for a literal {{",
  ],
  [
    "a variable that no template can name",
    "vars: { my-repo: x }\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:9 vars.my-repo: "my-repo" is not a valid name of a variable: use letters, digits and _',
  ],
  [
    "a duration without a unit",
    "limits: { time: soon }\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:17 limits.time: expected milliseconds or a duration such as "30s", "5m" or "500ms", got string "soon"',
  ],
  [
    "a limit of another type",
    "limits: { turns: many }\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:18 limits.turns: expected integer, got string "many"',
  ],
  [
    "an approval that there is not",
    "permissions: { approval: always }\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:26 permissions.approval: expected one of ask, auto, got string "always"',
  ],
  [
    "a pattern that is none",
    "permissions: { allow: ['fs.echo@fast'] }\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:24 permissions.allow[0]: "@fast" is not an annotation: use @readonly, @idempotent, @destructive, @openworld',
  ],
  [
    "a repeat without an end",
    'steps:\n  - repeat: { until: "{{done}}", steps: [{ set: { a: 1 } }] }\n',
    'a.session.yaml:2:5 steps[0].repeat: "until" needs "max", the largest number of rounds',
  ],
  [
    "an if with nothing to do",
    "steps:\n  - if: a > 1\n",
    'a.session.yaml:2:5 steps[0].if: "if" needs "then", or a step in the same entry',
  ],
  [
    "a JSON Schema that is none",
    "steps:\n  - user: hi\n    output: { json_schema: { type: objekt } }\n",
    "a.session.yaml:3:28 steps[0].output.json_schema: the schema cannot be used: ",
  ],
  [
    "a save that is no path",
    "steps:\n  - user: hi\n    save: { a: jsn }\n",
    'a.session.yaml:3:16 steps[0].save.a: "jsn" is not a path: expected $ at its',
  ],
  [
    "an included file that is not there",
    "steps:\n  - include: b.session.yaml\n",
    "a.session.yaml:2:14 steps[0].include: b.session.yaml: no such file",
  ],
  [
    "a mistake in a nested step",
    "steps:\n  - parallel:\n      - repeat: { times: 2, steps: [{ usr: hi }] }\n",
    'a.session.yaml:3:39 steps[0].parallel[0].repeat.steps[0].usr: unknown key "usr" (did you mean "user"?)',
  ],
  [
    "a scripted reply that says nothing",
    "model: scripted\nscripted: [{ repeat: true }]\nsteps: [{ user: hi }]\n",
    "a.session.yaml:2:12 scripted[0]: a reply has reply, tool_calls or error",
  ],
  [
    "a scripted model without replies",
    "model: scripted\nsteps: [{ user: hi }]\n",
    "a.session.yaml:1:8 model: the scripted model needs replies under scripted",
  ],
  [
    "a scripted error that also answers",
    "scripted: [{ error: 429, reply: hi }]\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:26 scripted[0].reply: "reply" cannot be combined with "error"',
  ],
  [
    "a scripted error that is none",
    "scripted: [{ error: nope }]\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:21 scripted[0].error: expected a status from 400 to 599 or "reset", got "nope"',
  ],
  [
    "a scripted status that is no error",
    "scripted: [{ error: 200 }]\nsteps: [{ user: hi }]\n",
    "a.session.yaml:1:21 scripted[0].error: expected integer or string from 400 to 599, got number 200",
  ],
  [
    "words about an error without one",
    "scripted:\n  - reply: hi\n    retry_after: 2s\nsteps: [{ user: hi }]\n",
    'a.session.yaml:3:5 scripted[0].retry_after: "retry_after" goes with "error"',
  ],
  [
    "a scripted reply that breaks twice",
    "scripted: [{ reply: hi, cut: 1, stall: 1 }]\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:33 scripted[0].stall: "cut" is given twice',
  ],
  [
    "a scripted reply for a step that there is not",
    "scripted: [{ reply: hi, when: { step: frist } }]\nsteps: [{ user: hi, name: first }]\n",
    'a.session.yaml:1:39 scripted[0].when.step: there is no step of the name "frist" (did you mean first?)',
  ],
  [
    "a scripted reply for a pattern that is none",
    "scripted: [{ reply: hi, when: { tool_result: 'fs.*@fast' } }]\nsteps: [{ user: hi }]\n",
    'a.session.yaml:1:46 scripted[0].when.tool_result: "@fast" is not an annotation',
  ],
  [
    "a scripted reply for a regular expression that is none",
    "scripted: [{ reply: hi, when: { regex: '(' } }]\nsteps: [{ user: hi }]\n",
    "a.session.yaml:1:40 scripted[0].when.regex: Invalid regular expression: /(/su: Unterminated group",
  ],
  [
    "a scripted reply that nothing gets to",
    "scripted:\n  - { reply: hi, repeat: true }\n  - reply: ho\nsteps: [{ user: hi }]\n",
    "a.session.yaml:3:5 scripted[1]: this reply is never used, because the reply in line 2 is repeated for ever",
  ],
  [
    "a scripted reply with half a template",
    "scripted: [{ reply: 'hi {{who' }]\nsteps: [{ user: hi }]\n",
    "a.session.yaml:1:21 scripted[0].reply: {{ without }} (wr",
  ],
  [
    "servers in the wrong place",
    "config: { mcpServers: {} }\nsteps: [{ user: hi }]\n",
    "a.session.yaml:1:11 config.mcpServers: write mcpServers next to config, not in it",
  ],
];

function messageOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return "";
}

describe("one error, at its place, for", () => {
  test.each(mistakes)("%s", (_, text, expected) => {
    using folder = new ScriptFolder();
    const path = folder.write("a.session.yaml", text);
    const message = messageOf(() => readScript(path, folder.path));
    expect(message.split("\n")).toHaveLength(1);
    expect(message.slice(0, expected.length)).toBe(expected);
  });

  test("a mistake in an included file, which is named", () => {
    using folder = new ScriptFolder();
    folder.write("b.session.yaml", "steps:\n  - set: {}\n");
    const path = folder.write("a.session.yaml", "steps:\n  - include: b.session.yaml\n");
    expect(messageOf(() => readScript(path, folder.path))).toBe("b.session.yaml:2:10 steps[0].set: must not be empty");
  });

  test("files that include each other, with the way round", () => {
    using folder = new ScriptFolder();
    folder.write("b.session.yaml", "steps:\n  - include: a.session.yaml\n");
    const path = folder.write("a.session.yaml", "steps:\n  - include: b.session.yaml\n");
    expect(messageOf(() => readScript(path, folder.path))).toBe(
      "b.session.yaml:2:14 steps[0].include: it includes itself: a.session.yaml -> b.session.yaml -> a.session.yaml",
    );
  });

  test("a server's setting, at its place in the script", async () => {
    using folder = new ScriptFolder();
    folder.write("a.session.yaml", "mcpServers:\n  fs:\n    comand: x\nsteps: [{ user: hi }]\n");
    await expect(folder.run("a.session.yaml")).rejects.toThrow(
      /^a\.session\.yaml:3:5 mcpServers\.fs\.comand: unknown key "comand" \(did you mean "command"\?\)$/m,
    );
  });

  test("more of the configuration, at its place in the script", async () => {
    using folder = new ScriptFolder();
    folder.write("a.session.yaml", "config:\n  chat: { servce: {} }\nsteps: [{ user: hi }]\n");
    await expect(folder.run("a.session.yaml")).rejects.toThrow(
      /^a\.session\.yaml:2:11 .*unknown key "servce" \(did you mean "service"\?\)$/,
    );
  });
});

test("several mistakes are reported together, in their order", () => {
  using folder = new ScriptFolder();
  const path = folder.write("a.session.yaml", "nam: x\nsteps:\n  - answer: true\n  - usr: hi\n  - user: '{{'\n");
  const message = messageOf(() => readScript(path, folder.path));
  expect(message.split("\n").map((line) => line.split(":")[1])).toEqual(["1", "3", "4", "5"]);
});

test("an object has its errors, without lines", async () => {
  await expect(runScript({ steps: [{ usr: "hi" }] })).rejects.toThrow(
    '(script) steps[0].usr: unknown key "usr" (did you mean "user"?)',
  );
});

test("a shebang, a modeline and defaults are read", () => {
  using folder = new ScriptFolder();
  const text =
    "#!/usr/bin/env -S mcp-platform run\n# yaml-language-server: $schema=./session.schema.json\nsteps: [{ user: hi }]\n";
  const path = folder.write("greet.session.yaml", text);
  expect(readScript(path, folder.path)).toMatchObject({
    name: "greet",
    cassette: `${folder.path}/greet.cassette.jsonl`,
    strict: false,
    steps: [{ kind: "user", name: "hi", position: { file: "greet.session.yaml", line: 3 } }],
  });
});

test("a script may repeat a text of 20 KB in 60 steps", () => {
  using folder = new ScriptFolder();
  const steps = Array.from({ length: 60 }, () => "  - user: *text\n").join("");
  const path = folder.write("a.session.yaml", `name: &text "${"word ".repeat(4_000)}"\nsteps:\n${steps}`);
  expect(readScript(path, folder.path)).toHaveProperty("steps.length", 60);
});
