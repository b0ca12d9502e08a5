import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import {
  clockFinding,
  diskFinding,
  folderFinding,
  nodeFinding,
  portFinding,
  tokenFinding,
} from "../../src/doctor/host-checks.js";

const folder = mkdtempSync(join(tmpdir(), "mcp-platform-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a Node that is too old fails", () => {
  expect(nodeFinding("20.19.0", ">=20.19")).toMatchObject({ status: "ok" });
  expect(nodeFinding("24.1.0", ">=20.19")).toMatchObject({ status: "ok" });
  expect(nodeFinding("20.9.0", ">=20.19")).toEqual({
    check: "node",
    status: "fail",
    text: "Node 20.9.0 is too old",
    fix: "install Node 20.19 or later",
  });
});

test("a clock before the build of the program fails, and so does one that was set during the check", () => {
  const builtMs = Date.UTC(2026, 10, 1);
  const nowMs = Date.UTC(2026, 10, 25);
  expect(clockFinding({ nowMs, steadyMs: nowMs - 3, builtMs }).status).toBe("ok");
  expect(clockFinding({ nowMs: 0, steadyMs: 0, builtMs })).toMatchObject({
    status: "fail",
    text: "1970-01-01T00:00:00.000Z is before this program was built",
  });
  expect(clockFinding({ nowMs, steadyMs: nowMs - 3_600_000, builtMs })).toMatchObject({
    status: "warn",
    text: "it was set by 3600 s while this program ran",
  });
});

test("a folder that will be made is ok, and one that cannot be made fails", () => {
  expect(folderFinding("state", join(folder, "a", "b"), "fail").status).toBe("ok");
  const file = join(folder, "file");
  writeFileSync(file, "");
  expect(folderFinding("state", join(file, "b"), "fail")).toMatchObject({
    status: "fail",
    text: expect.stringContaining("ENOTDIR"),
    fix: expect.stringContaining(file),
  });
});

test("a nearly full disk is reported", () => {
  expect(diskFinding(folder).check).toBe("disk");
  expect(diskFinding("/x", 500 * 1024 ** 2).status).toBe("ok");
  expect(diskFinding("/x", 100 * 1024 ** 2)).toMatchObject({ status: "warn", text: "100 MB are free at /x" });
  expect(diskFinding("/x", 1024 ** 2)).toMatchObject({
    status: "fail",
    fix: expect.stringContaining("free some space"),
  });
});

test("the port of serve is reported as free, in use, or in use by a host of this program", async () => {
  let body = "{}";
  const server = createServer((_, response) => void response.end(body)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const place = { host: "127.0.0.1", port: (server.address() as AddressInfo).port };
  expect(await portFinding(place, true)).toMatchObject({ status: "fail", fix: expect.stringContaining("serve.port") });
  expect(await portFinding(place, false)).toMatchObject({ status: "warn" });
  body = '{"status":"ok"}';
  expect(await portFinding(place, true)).toMatchObject({
    status: "ok",
    text: expect.stringContaining("a host listens"),
  });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  expect(await portFinding(place, true)).toMatchObject({ status: "ok" });
  expect(await portFinding({ host: "192.0.2.1", port: 0 }, true)).toMatchObject({
    status: "fail",
    text: expect.stringContaining("EADDRNOTAVAIL"),
  });
});

test("the token of serve is reported with its place, and with whether others could read it", () => {
  const file = join(folder, "serve-token");
  expect(tokenFinding(file, true)).toMatchObject({ status: "ok", text: expect.stringContaining("serve.token") });
  expect(tokenFinding(file, false)).toMatchObject({ status: "ok", text: expect.stringContaining("first start") });
  writeFileSync(file, "x", { mode: 0o600 });
  expect(tokenFinding(file, false)).toMatchObject({ status: "ok", text: expect.stringContaining("only you") });
  chmodSync(file, 0o640);
  expect(tokenFinding(file, false)).toMatchObject({ status: "warn", text: expect.stringContaining(file) });
});
