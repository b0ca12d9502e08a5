import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import type { ToolHub } from "../../../src/core/ports.js";
import { attachMentions } from "../../../src/doors/terminal/mentions.js";
import type { App } from "../../../src/index.js";
import { script, startApp } from "../../support/app.js";
import { processorMs } from "../../support/processor-time.js";

const folder = mkdtempSync(join(tmpdir(), "attachments-"));
let app: App;
beforeAll(async () => {
  app = await startApp({ llm: "http://127.0.0.1:9", mcpServers: { demo: script("dist/demo/mcp-server.js") } });
  await app.ready();
});
afterAll(async () => {
  await app[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});
const png = Buffer.from("89504e470d0a1a0a0000000d49484452", "hex");
writeFileSync(join(folder, "notes.txt"), "remember\n");
writeFileSync(join(folder, "my file.txt"), "spaces");
writeFileSync(join(folder, "photo"), png);
writeFileSync(join(folder, "binary"), Buffer.from([1, 0, 2]));
writeFileSync(join(folder, "latin1.txt"), Buffer.from([0x61, 0xe4, 0x62]));
writeFileSync(join(folder, "big.txt"), "x".repeat(256_001));
writeFileSync(join(folder, "huge.png"), Buffer.concat([png, Buffer.alloc(5_000_000)]));
mkdirSync(join(folder, "src"));
symlinkSync("../notes.txt", join(folder, "src", "inside"));
symlinkSync(resolve("package.json"), join(folder, "README.md"));
symlinkSync(resolve("docs"), join(folder, "docs"));

async function attached(prompt: string) {
  const attachments = await attachMentions(prompt, { hub: app.hub, folder, signal: new AbortController().signal });
  return attachments.map(({ name, size, parts }) => [name, size, ...parts]);
}

describe("a prompt", () => {
  const notes = ["notes.txt", "9 B", { type: "text", text: "[file notes.txt]\nremember\n" }];

  test.each([
    ["names a file", "see @notes.txt", [notes]],
    ["names it at the end of a sentence", "(see @notes.txt).", [notes]],
    ["names it twice", "@notes.txt or ./@notes.txt or @notes.txt?", [notes]],
    ["quotes a name", 'see @"my file.txt"!', [["my file.txt", "6 B", expect.objectContaining({ type: "text" })]]],
    [
      "names an image",
      "@photo",
      [
        [
          "photo",
          "16 B, image/png",
          { type: "text", text: "[file photo]" },
          { type: "image", data: png.toString("base64"), mimeType: "image/png" },
        ],
      ],
    ],
    [
      "names a resource",
      "what is @demo://readme?",
      [["demo://readme", "123 B", { type: "text", text: "[resource demo://readme]" }, expect.any(Object)]],
    ],
    ["has an address, a mention, a package and a folder", "me@notes.txt @you @types/node @src", []],
    ["has an address of the web", "@https://example.org/x @demo://other", []],
  ])("attaches what it names: it %s", async (_what, prompt, expected) => {
    expect(await attached(prompt)).toEqual(expected);
  });

  test.each([
    ["@./missing.txt", "./missing.txt cannot be read: there is no such file"],
    ['@"no such"', "no such cannot be read: there is no such file"],
    ["@/dev/null/x", "/dev/null/x cannot be read: there is no such file"],
    ["@/dev/null", "/dev/null is no file"],
    ["@./src", "./src is a folder"],
    ["@binary", "binary is neither text, a PDF nor an image"],
    ["@latin1.txt", "latin1.txt is neither text, a PDF nor an image"],
    ["@big.txt", "big.txt is too large to be attached: 256.0 kB; text may have 256.0 kB"],
    ["@huge.png", "huge.png is too large to be attached: 5.0 MB; an image may have 5.0 MB"],
  ])("with %s is not sent, and the person is told why", async (prompt, message) => {
    await expect(attached(prompt)).rejects.toMatchObject({ kind: "usage", message: expect.stringContaining(message) });
  });

  test.each([
    ["@README.md", resolve("package.json")],
    ['@"docs/README.md"', resolve("docs/README.md")],
  ])(
    "with %s, a link out of the folder, is not sent, and the person is told where it leads",
    async (prompt, target) => {
      const message = `is a link to ${target}, outside this folder`;
      await expect(attached(prompt)).rejects.toMatchObject({
        kind: "usage",
        message: expect.stringContaining(message),
      });
    },
  );

  test("with a link to a file of the folder, or a path that leads out of it, gets the file", async () => {
    expect(await attached("@src/inside")).toEqual([["src/inside", "9 B", expect.anything()]]);
    expect(await attached(`@${resolve("LICENSE")}`)).toHaveLength(1);
  });

  test("with a long pasted word is read in linear time", async () => {
    const begun = processorMs();
    expect(await attached(`see @${".".repeat(200_000)}x`)).toEqual([]);
    expect(processorMs() - begun).toBeLessThan(5_000);
  });

  test("gets a file that it names, even if a server lists a resource of that name", async () => {
    const listed = [{ uri: "notes.txt" }, { uri: "./notes.txt" }, { uri: join(folder, "notes.txt") }];
    const readResource = async () => [{ type: "text", text: "of the server" }];
    const hub = { resources: () => listed, mcpResults: { templates: () => [] }, readResource } as unknown as ToolHub;
    for (const { uri } of listed) {
      const [attachment] = await attachMentions(`@${uri}`, { hub, folder, signal: new AbortController().signal });
      expect(attachment?.parts).toEqual([{ type: "text", text: `[file ${uri}]\nremember\n` }]);
    }
  });

  test("with many names can be stopped", async () => {
    const stopped = new AbortController();
    const hub = { resources: () => [], mcpResults: { templates: () => [] } } as unknown as ToolHub;
    const attaching = attachMentions("@a ".repeat(100_000), { hub, folder, signal: stopped.signal });
    stopped.abort();
    await expect(attaching).rejects.toMatchObject({ kind: "cancelled" });
  });
});
