import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import { folderWith } from "../../config/folder.js";
import { serveFiles } from "../../support/configured-host.js";

const before = `# mine
llm:
  active: demo # the bundled one
chat:
  # nothing is kept
  storage: { driver: memory }
  service:
    approval: auto   # for now
    system_prompt: Be short.
`;

test("settings are shown, checked, written with everything else left as it is, and applied", async () => {
  using folder = folderWith({ "config.yaml": before });
  const config = join(folder.path, "config.yaml");
  await using host = await serveFiles({ config });
  const url = `${host.url}/api/settings`;
  const shown = await (await fetch(url)).json();
  expect(shown).toMatchObject({
    editable: true,
    values: {
      "chat.service.approval": "auto",
      "chat.service.system_prompt": "Be short.",
      "chat.storage.max_age": null,
    },
  });
  const patch = async (values: object) => {
    const response = await fetch(url, { method: "PATCH", body: JSON.stringify({ values }) });
    return {
      status: response.status,
      body: (await response.json()) as { error?: { message: string }; values: object },
    };
  };
  const changed = await patch({
    "chat.service.approval": "ask",
    "chat.storage.max_age": "30d",
    "chat.service.system_prompt": "Two\nlines",
    "llm.model": "ollama/qwen3",
    "llm.temperature": 0.5,
    "llm.effort": "low",
    "chat.titles": "first-words",
  });
  expect(changed).toMatchObject({ status: 200, body: { notices: [], values: { "chat.storage.max_age": "30d" } } });
  expect(changed.body.values).toMatchObject({
    "llm.model": "ollama/qwen3",
    "llm.temperature": 0.5,
    "llm.effort": "low",
  });
  expect(host.app.config.chat).toMatchObject({
    service: { approval: "ask", systemPrompt: "Two\nlines" },
    titles: { by: "first-words" },
  });
  expect(readFileSync(config, "utf8")).toBe(`# mine
llm:
  active: ollama # the bundled one
  providers:
    ollama:
      model: qwen3
      temperature: 0.5
      reasoning:
        effort: low
chat:
  # nothing is kept
  storage: { driver: memory, "max_age": "30d" }
  service:
    approval: ask   # for now
    system_prompt: |-
      Two
      lines
  titles: first-words
`);
  expect((await patch({ "chat.service.system_prompt": null })).status).toBe(200);
  expect(readFileSync(config, "utf8")).not.toContain("system_prompt");

  const text = readFileSync(config, "utf8");
  const refusals: [object, string][] = [
    [{ "chat.service.approval": "never" }, "chat.service.approval"],
    [{ "chat.storage.max_age": "soon" }, "chat.storage.max_age"],
    [{ "chat.titles": "always" }, "chat.titles"],
    [{ "llm.effort": "much" }, "llm.effort: expected one of none, minimal, low"],
    [{ "llm.model": "gpt" }, "expected provider/model"],
    [{ "llm.model": "nobody/gpt" }, "nobody/gpt: "],
    [{ "serve.token": "x" }, "cannot be changed here"],
  ];
  for (const [values, reason] of refusals) {
    const { status, body } = await patch(values);
    expect([values, status, body.error?.message]).toEqual([values, 400, expect.stringContaining(reason)]);
  }
  expect(readFileSync(config, "utf8")).toBe(text);
});

test("settings of a JSON file are changed too", async () => {
  using folder = folderWith({});
  const config = join(folder.path, "config.json");
  writeFileSync(config, '{\n  "llm": { "active": "demo" },\n  "chat": { "storage": { "driver": "memory" } }\n}\n');
  await using host = await serveFiles({ config });
  const body = JSON.stringify({ values: { "chat.service.approval": "auto" } });
  expect((await fetch(`${host.url}/api/settings`, { method: "PATCH", body })).status).toBe(200);
  expect(JSON.parse(readFileSync(config, "utf8"))).toMatchObject({ chat: { service: { approval: "auto" } } });
});
