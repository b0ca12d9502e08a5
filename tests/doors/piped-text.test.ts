import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, expect, test } from "@jest/globals";
import { readPrompt } from "../../src/doors/shared/piped-text.js";
import { temporaryFolder } from "../support/mcp-hub.js";

/** Returns both ends of a socket, such as a Node parent gives its child as stdin. */
async function socketPair(path: string): Promise<{ parent: Socket; stdin: Socket & { fd: number }; close(): void }> {
  const server = createServer().listen(path);
  await once(server, "listening");
  const parent = connect(path);
  const [stdin] = (await once(server, "connection")) as [Socket & { _handle: { fd: number } }];
  return { parent, stdin: Object.assign(stdin, { fd: stdin._handle.fd }), close: () => server.close() };
}

test.each([
  ["comes before the prompt, however late it comes", "what is it?", "late\n\nwhat is it?"],
  ["is the prompt, however late it comes", "-", "late\n"],
])("text in a shell's pipe %s, and the wait is announced", async (_, argument, prompt) => {
  using folder = temporaryFolder();
  const pipe = join(folder.path, "pipe");
  execFileSync("sh", ["-c", "mkfifo pipe"], { cwd: folder.path });
  const fd = openSync(pipe, "r+");
  const stdin = Object.assign(new PassThrough(), { fd });
  const stderr = new PassThrough();
  const read = readPrompt(argument, { stdin, stderr });
  expect(String((await once(stderr, "data"))[0])).toMatch(/^waiting for text on stdin; .*< \/dev\/null\n$/);
  stdin.end("late\n");
  expect(await read).toBe(prompt);
  closeSync(fd);
});

test("a shell's pipe is waited for no longer than the turn may take", async () => {
  using folder = temporaryFolder();
  execFileSync("sh", ["-c", "mkfifo pipe"], { cwd: folder.path });
  const fd = openSync(join(folder.path, "pipe"), "r+");
  const stdin = Object.assign(new PassThrough(), { fd });
  const read = readPrompt("what is it?", { stdin, stderr: new PassThrough(), withinMs: 10 });
  await expect(read).rejects.toThrow("no text arrived on stdin within --timeout");
  closeSync(fd);
});

test("text that a Node program pipes in, through a socket, comes before the prompt", async () => {
  using folder = temporaryFolder();
  const { parent, stdin, close } = await socketPair(join(folder.path, "stdin"));
  parent.end("from the parent\n");
  expect(await readPrompt("what is it?", { stdin, stderr: new PassThrough() })).toBe("from the parent\n\nwhat is it?");
  close();
});

describe("an empty argument, as an unset variable of a shell gives it", () => {
  const withNothing = () => Object.assign(new PassThrough().end(), { fd: openSync("/dev/null", "r") });

  test.each(["", " \n"])("is refused as a prompt (%j)", async (argument) => {
    const stdin = withNothing();
    const read = readPrompt(argument, { stdin, stderr: new PassThrough() });
    await expect(read).rejects.toMatchObject({ kind: "usage", message: "the prompt is empty" });
    closeSync(stdin.fd);
  });

  test("sends attached files alone", async () => {
    const stdin = withNothing();
    expect(await readPrompt("", { stdin, stderr: new PassThrough(), isAttached: true })).toBe("");
    closeSync(stdin.fd);
  });

  test("makes the piped text the prompt", async () => {
    using folder = temporaryFolder();
    const { parent, stdin, close } = await socketPair(join(folder.path, "stdin"));
    parent.end("from the parent\n");
    expect(await readPrompt("", { stdin, stderr: new PassThrough() })).toBe("from the parent\n");
    close();
  });
});
