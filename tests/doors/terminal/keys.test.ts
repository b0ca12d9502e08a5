import { PassThrough } from "node:stream";
import { expect, test } from "@jest/globals";
import { Keys } from "../../../src/doors/terminal/editor/keys.js";

test("a stopped process that continues takes the terminal again, until the chat is closed", () => {
  const modes: boolean[] = [];
  const input = Object.assign(new PassThrough(), { setRawMode: (isRaw: boolean) => modes.push(isRaw) });
  let continued = 0;
  const nothing = () => {};
  const keys = new Keys(input, nothing, {
    onPress: nothing,
    onPause: nothing,
    onEnd: nothing,
    onContinue: () => continued++,
  });
  process.emit("SIGCONT", "SIGCONT");
  expect(modes).toEqual([true, false, true]); // Node does not set a mode that it believes to be set already
  keys.close();
  process.emit("SIGCONT", "SIGCONT");
  expect(modes).toEqual([true, false, true, false]);
  expect(continued).toBe(1);
});
