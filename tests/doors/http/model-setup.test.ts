import { chmodSync, existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { type Folder, folderWith } from "../../config/folder.js";
import { serveFiles } from "../../support/configured-host.js";
import { answer, failure, startLlmServer } from "../../support/llm-server.js";
import { post } from "./door.js";

const key = "gsk_0123456789abcdef";
const environment = { ...process.env };
const start = process.cwd();
let folder: Folder;

beforeEach(() => {
  folder = folderWith({ "work/notes.txt": "" });
  for (const name of ["HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"]) process.env[name] = folder.path;
  process.chdir(join(folder.path, "work"));
});

afterEach(() => {
  process.chdir(start);
  process.env = { ...environment };
  folder[Symbol.dispose]();
});

const bodyOf = async (response: Response) => (await response.json()) as Record<string, unknown>;

test("a provider replaces the demo model once it has answered; its key is in a file of the user alone, and nowhere else", async () => {
  await using llm = await startLlmServer([
    failure(401, { body: { error: { message: `Incorrect API key provided: ${key}` } } }),
    answer("works"),
    answer("It is I."),
    answer("A title"),
  ]);
  llm.models.push({ id: "m1" }, { id: "m2" });
  const seen: unknown[] = [];
  await using host = await serveFiles({ logLevel: "debug" }, { observe: (event) => seen.push(event) });
  const url = `${host.url}/api/settings/model`;
  const file = join(folder.path, "mcp-platform", "config.yaml");
  const attempt = async (body: object) => {
    const response = await post(url, body);
    const told = await bodyOf(response);
    seen.push(told);
    return { status: response.status, ...told };
  };
  const { providers } = await bodyOf(await fetch(url));
  expect(providers).toContainEqual({
    ...{ name: "groq", base_url: "https://api.groq.com/openai/v1", needs_key: true, models: [] },
  });
  expect(providers).toContainEqual({ name: "local", base_url: "", needs_key: false, models: [] });
  expect(JSON.stringify(providers)).not.toContain('"demo"');
  const groq = { provider: "groq", base_url: llm.url, api_key: key };

  const refused = await attempt({ ...groq, model: "m2" });
  expect(refused).toMatchObject({ status: 200, models: ["m1", "m2"] });
  expect(refused).toHaveProperty("problem", expect.stringMatching(/^groq\/m2: .*Incorrect API key.*Check the key\.$/));
  const nowhere = await attempt({ ...groq, base_url: "http://127.0.0.1:1/v1" });
  expect(nowhere).toHaveProperty("problem", expect.stringMatching(/Check the address, and whether the server runs\.$/));
  expect(await attempt({ provider: "local", base_url: "" })).toHaveProperty("problem", expect.any(String));
  expect(await attempt({ provider: "__proto__" })).toMatchObject({ status: 400 });
  const elsewhere = await post(url, groq, { "x-forwarded-for": "192.0.2.1" });
  expect([elsewhere.status, (await fetch(url, { headers: { via: "1.1 proxy" } })).status]).toEqual([403, 403]);
  expect(existsSync(file)).toBe(false);
  expect(host.app.resolveModel()).toMatchObject({ provider: "demo" });

  expect(await attempt({ ...groq, model: "m2" })).toEqual({ status: 200, problem: null, models: ["m1", "m2"] });
  expect(host.app.resolveModel()).toMatchObject({ provider: "groq", model: "m2" });
  expect(readFileSync(file, "utf8")).toContain(`api_key: ${key}`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const turn = { conversation_id: "c", request_id: "r", text: "Who are you?" };
  expect((await post(`${host.url}/api/sessions/c/turns`, turn)).ok).toBe(true);
  await llm.received(4);
  expect(llm.requests.map(({ headers }) => headers.authorization)).toEqual(Array(4).fill(`Bearer ${key}`));
  for (const path of ["settings", "settings/model", "models", "export", "sessions/c"])
    seen.push(await (await fetch(`${host.url}/api/${path}`)).text());
  expect(JSON.stringify(seen)).not.toContain(key);
});

test("a server of this machine answers without a key, with the first model that it lists", async () => {
  await using llm = await startLlmServer([answer("works")]);
  llm.models.push({ id: "small" });
  await using host = await serveFiles({});
  const body = { provider: "vllm", base_url: llm.url, api_key: "", model: "" };
  const tried = await bodyOf(await post(`${host.url}/api/settings/model`, body));
  expect(tried).toEqual({ problem: null, models: ["small"] });
  expect(host.app.resolveModel()).toMatchObject({ provider: "vllm", model: "small" });
});

test("no key is written to a file that others can read, nor to that of a project", async () => {
  await using llm = await startLlmServer([answer("works")]);
  const project = "chat: { storage: { driver: memory } }\n";
  using work = folderWith({ "config.yaml": project });
  const config = join(work.path, "config.yaml");
  chmodSync(config, 0o644);
  const body = { provider: "groq", base_url: llm.url, api_key: key };
  {
    await using host = await serveFiles({ config });
    const response = await post(`${host.url}/api/settings/model`, body);
    expect(response.status).toBe(400);
    expect(await response.text()).toContain("so no key is written to it (run chmod 600");
  }
  process.chdir(work.path);
  await using host = await serveFiles({});
  expect(await bodyOf(await post(`${host.url}/api/settings/model`, body))).toMatchObject({ problem: null });
  expect(readFileSync(config, "utf8")).toBe(project);
  expect(readFileSync(join(folder.path, "mcp-platform", "config.yaml"), "utf8")).toContain(key);
});
