import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "@jest/globals";
import { Approvals } from "../../src/config/consent/approvals.js";
import { temporaryFolder } from "../support/mcp-hub.js";

const tool = { server: "s", tool: "echo", place: "p1" };
const open = (folder: string, observe = () => {}) => new Approvals(folder, { observe, now: () => 7 });

describe("kept answers", () => {
  test("hold in their folder or everywhere, only for the same tool of the same server", () => {
    using folder = temporaryFolder();
    open(folder.path).keep(tool, { allow: true, remember: "project" }, "/a");
    open(folder.path).keep({ ...tool, tool: "drip" }, { allow: true, remember: "always" }, "/a");
    const kept = open(folder.path);
    expect(kept.find(tool, "/a")).toMatchObject({ allow: true, remember: "project" });
    expect(kept.find(tool, "/b")).toBeUndefined();
    expect(kept.find({ ...tool, tool: "drip" }, "/b")).toMatchObject({ allow: true, remember: "always" });
    expect(kept.find({ ...tool, tool: "drip", place: "p2" }, "/b")).toBeUndefined();
    expect(kept.find({ ...tool, server: "t", tool: "drip" }, "/b")).toBeUndefined();
  });

  test("are stored in files that only the user can read", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "state", "approvals");
    open(path).keep(tool, { allow: true, remember: "always" }, "/a");
    const [name = ""] = readdirSync(path);
    expect(statSync(join(path, name)).mode & 0o777).toBe(0o600);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  });

  test("conflict: a no wins over a yes, wherever each of them holds", () => {
    using folder = temporaryFolder();
    const kept = open(folder.path);
    kept.keep(tool, { allow: true, remember: "always" }, "/a");
    kept.keep(tool, { allow: false, remember: "project" }, "/a");
    expect(kept.find(tool, "/a")?.allow).toBe(false);
    expect(kept.find(tool, "/b")?.allow).toBe(true);
  });

  test("count as no while their file cannot be read", () => {
    using folder = temporaryFolder();
    const said: string[] = [];
    const kept = new Approvals(folder.path, { observe: ({ message }) => said.push(message), now: () => 7 });
    kept.keep(tool, { allow: true, remember: "always" }, "/a");
    const [name = ""] = readdirSync(folder.path);
    const path = join(folder.path, name);
    renameSync(path, `${path}.aside`);
    mkdirSync(path);
    expect(kept.find(tool, "/a")).toMatchObject({ allow: false, remember: "always" });
    expect(said).toEqual([
      expect.stringMatching(/^the kept answer about s\.echo cannot be read, so it counts as no: .*EISDIR/),
    ]);
    expect(kept.find({ ...tool, tool: "drip" }, "/a")).toBeUndefined();
    rmdirSync(path);
    renameSync(`${path}.aside`, path);
    expect(kept.find(tool, "/a")).toMatchObject({ allow: true });
  });

  test.each([
    ["empty", () => ""],
    ["half", (text: string) => text.slice(0, text.length / 2)],
    ["not an object", () => "[]"],
    ["of another shape", () => '{"allow":"yes"}'],
    ["about another tool", (text: string) => text.replace('"echo"', '"drip"')],
  ])("count as no if their file is %s, and the log says so", (_, damage) => {
    using folder = temporaryFolder();
    const said: string[] = [];
    const kept = new Approvals(folder.path, { observe: ({ message }) => said.push(message), now: () => 7 });
    kept.keep(tool, { allow: false, remember: "always" }, "/a");
    const [name = ""] = readdirSync(folder.path);
    const path = join(folder.path, name);
    writeFileSync(path, damage(readFileSync(path, "utf8")));
    expect(kept.find(tool, "/a")).toMatchObject({ allow: false, remember: "always" });
    expect(said).toEqual([expect.stringMatching(/^the kept answer about s\.echo cannot be read, .*: .*is damaged/)]);
    expect(kept.list()).toEqual([]);
    kept.keep(tool, { allow: true, remember: "always" }, "/a");
    expect(kept.find(tool, "/a")).toMatchObject({ allow: true });
  });

  test("can be listed and forgotten, also for a running host", () => {
    using folder = temporaryFolder();
    const running = open(folder.path);
    running.keep(tool, { allow: true, remember: "always" }, "/a");
    running.keep(tool, { allow: true, remember: "project" }, "/a");
    running.keep({ ...tool, server: "t" }, { allow: true, remember: "always" }, "/a");
    const other = open(folder.path);
    expect(other.forget(({ server }) => server === "s")).toHaveLength(2);
    expect(running.find(tool, "/a")).toBeUndefined();
    expect(other.list()).toMatchObject([{ server: "t", tool: "echo", allow: true, remember: "always", answeredAt: 7 }]);
  });

  test("reach a host that had found none before, at most 10 ms after its last look", () => {
    using folder = temporaryFolder();
    const path = join(folder.path, "approvals");
    let time = Date.now();
    const running = new Approvals(path, { observe: () => {}, now: () => time });
    for (let look = 0; look < 2; look++) expect(running.find(tool, "/a")).toBeUndefined();
    time += 10;
    open(path).keep({ ...tool, tool: "drip" }, { allow: true, remember: "always" }, "/a");
    utimesSync(path, 1, 1); // long ago
    for (let look = 0; look < 2; look++) expect(running.find(tool, "/a")).toBeUndefined();
    open(path).keep(tool, { allow: false, remember: "always" }, "/a");
    time += 10;
    expect(running.find(tool, "/a")).toMatchObject({ allow: false });
  });

  test("count at once in the host where they were given", () => {
    using folder = temporaryFolder();
    const running = new Approvals(join(folder.path, "approvals"), { observe: () => {}, now: () => 1e6 });
    expect(running.find(tool, "/a")).toBeUndefined();
    running.keep(tool, { allow: false, remember: "always" }, "/a");
    expect(running.find(tool, "/a")).toMatchObject({ allow: false });
  });

  test("in a renamed file are ignored", () => {
    using folder = temporaryFolder();
    const kept = open(folder.path);
    kept.keep(tool, { allow: true, remember: "project" }, "/a");
    const [name = ""] = readdirSync(folder.path);
    renameSync(join(folder.path, name), join(folder.path, "0.json"));
    expect(kept.find(tool, "/a")).toBeUndefined();
    expect(kept.list()).toEqual([]);
  });

  test("hold until the host ends when they cannot be stored, and the log says so", () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "taken"), "");
    const said: string[] = [];
    const kept = new Approvals(join(folder.path, "taken", "approvals"), {
      observe: ({ message }) => said.push(message),
      now: () => 7,
    });
    kept.keep(tool, { allow: false, remember: "always" }, "/a");
    expect(kept.find(tool, "/b")?.allow).toBe(false);
    expect(said).toEqual([
      expect.stringMatching(/^the answer about s\.echo could not be stored and is lost when this host ends: /),
    ]);
  });
});
