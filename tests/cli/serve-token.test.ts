import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "@jest/globals";
import { doorToken, type TokenFlags } from "../../src/cli/commands/serve-token.js";
import { loadConfig } from "../../src/config/reading/load.js";

const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
afterAll(() => rmSync(folder, { recursive: true }));

const env = { XDG_STATE_HOME: folder };
const kept = join(folder, "mcp-platform", "serve-token");

function tokenOf(flags: TokenFlags, serve: object = {}, environment: Record<string, string> = env) {
  return doorToken(flags, loadConfig({ serve }, { env: environment }).config.serve, environment);
}

function fileWith(text: string, mode = 0o600): string {
  const file = join(mkdtempSync(join(folder, "own-")), "token");
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

describe("the token of serve", () => {
  test("is stored and shared by the user's hosts, on loopback addresses and others", () => {
    const { token, ...rest } = tokenOf({});
    expect(token).toBe(readFileSync(kept, "utf8").trim());
    expect(rest).toEqual({ location: kept, isMade: true, notices: [] });
    expect(tokenOf({}, { host: "0.0.0.0" }).token).toBe(token);
  });

  test.each([
    ["the configuration", {}, { token: "token-of-the-config" }, {}, "token-of-the-config"],
    ["the environment", {}, {}, { MCP_PLATFORM_SERVE__TOKEN: "token-of-environ" }, "token-of-environ"],
    [
      "a file, before the configuration",
      { tokenFile: fileWith("token-of-the-file\n") },
      { token: "token-of-the-config" },
      {},
      "token-of-the-file",
    ],
  ])("can come from %s, and is then not shown", (_, flags, serve, variables, token) => {
    expect(tokenOf(flags, serve, { ...env, ...variables })).toMatchObject({ token, isMade: false, notices: [] });
  });

  test("can be left out only by --no-token, which prints the risk", () => {
    const open = tokenOf({ token: false }, { token: "token-of-the-config" });
    expect(open).toMatchObject({
      token: undefined,
      notices: [expect.stringMatching(/every account .* your approvals/)],
    });
    expect(() => tokenOf({ token: false }, { host: "0.0.0.0" })).toThrow(/--no-token is only for loopback addresses/);
  });

  test.each(["", "short\n", "two words of a token"])("cannot be %j in a token file", (text) => {
    expect(() => tokenOf({ tokenFile: fileWith(text) })).toThrow(/one token of at least 16 characters/);
  });

  test("is an error if its file is missing, and a warning if others can read the file", () => {
    expect(() => tokenOf({ tokenFile: join(folder, "missing") })).toThrow(/cannot read the token file .*missing/);
    const { notices } = tokenOf({ tokenFile: fileWith("token-of-the-file", 0o644) });
    expect(notices).toEqual([expect.stringMatching(/every account .* can read the token/)]);
  });

  test("holds for this run only and is shown if it cannot be stored", () => {
    const state = fileWith("a file where a folder is wanted");
    const { token, ...rest } = tokenOf({}, {}, { XDG_STATE_HOME: state });
    expect(token).toMatch(/^[\w-]{43}$/);
    expect(rest).toEqual({ location: undefined, isMade: true, notices: [expect.stringMatching(/for this run only/)] });
  });
});
