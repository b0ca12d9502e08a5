import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { PlainEditor } from "../../../src/doors/terminal/editor/plain-editor.js";
import { Sink } from "../support.js";

test("a line that comes right after an answer becomes the next input", async () => {
  const input = new PassThrough();
  const editor = new PlainEditor({ input, output: new Sink(), isTty: false });
  const answer = editor.ask("run it? ", new AbortController().signal);
  input.write("y\nnext\n");
  expect([await answer, await editor.next()]).toEqual(["y", "next"]);
  editor.close();
});
