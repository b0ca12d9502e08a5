import { expect, test } from "@jest/globals";
import { Approvals } from "../../../src/config/consent/approvals.js";
import { folderWith } from "../../config/folder.js";
import { startApp } from "../../support/app.js";
import { startLlmServer } from "../../support/llm-server.js";
import { openDoor } from "./door.js";

test("remembered answers about tools are listed and taken back over HTTP", async () => {
  using folder = folderWith({});
  const observe = () => {};
  let clock = 1_000_000;
  const approvals = new Approvals(folder.path, { observe, now: () => clock++ });
  const tool = { server: "s", tool: "write", place: "here" };
  approvals.keep(tool, { allow: true, remember: "always" }, "/work");
  approvals.keep({ ...tool, tool: "wipe" }, { allow: false, remember: "project" }, "/work");
  await using llm = await startLlmServer([]);
  await using app = await startApp({ llm: llm.url });
  await using door = await openDoor(app, { parts: { approvals } });
  const url = `${door.url}/api/approvals`;
  const { approvals: listed } = (await (await fetch(url)).json()) as { approvals: { id: string }[] };
  expect(listed).toEqual([
    {
      id: expect.any(String),
      ...{ server: "s", tool: "write", allow: true, remember: "always", workspace: null },
      answered_at: 1_000_000,
    },
    {
      id: expect.any(String),
      ...{ server: "s", tool: "wipe", allow: false, remember: "project", workspace: "/work" },
      answered_at: 1_000_001,
    },
  ]);
  expect((await fetch(`${url}/${listed[0]?.id}`, { method: "DELETE" })).status).toBe(204);
  expect(approvals.find(tool, "/work")).toBeUndefined();
  expect(approvals.list()).toHaveLength(1);
  expect((await fetch(`${url}/${listed[0]?.id}`, { method: "DELETE" })).status).toBe(404);
});
