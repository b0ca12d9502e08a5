import { expect, test } from "@jest/globals";
import { Interrupts } from "../../../src/doors/terminal/interrupts.js";

test("long after a cancelled turn, Ctrl-C drops what is typed and does not leave", async () => {
  const clock = { now: 0 };
  let typed = "";
  let exitCode: number | undefined;
  const dropLine = () => {
    const hadText = typed !== "";
    typed = "";
    return hadText;
  };
  const interrupts = new Interrupts({ now: () => clock.now, note: () => {}, hint: () => {}, dropLine });
  void interrupts.left.then((code) => {
    exitCode = code;
  });
  await interrupts.during(
    () => {},
    async () => interrupts.ctrlC(),
  );
  clock.now += 2001;
  typed = "half a line";
  interrupts.ctrlC();
  await Promise.resolve();
  expect([typed, exitCode]).toEqual(["", undefined]);
});
