import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
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

test("text that a Node program pipes in, through a socket, comes before the prompt", async () => {
  using folder = temporaryFolder();
  const { parent, stdin, close } = await socketPair(join(folder.path, "stdin"));
  parent.end("from the parent\n");
  expect(await readPrompt("what is it?", { stdin, stderr: new PassThrough() })).toBe("from the parent\n\nwhat is it?");
  close();
});
