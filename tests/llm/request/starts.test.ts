import { expect, test } from "@jest/globals";
import { Admission } from "../../../src/llm/request/admission.js";
import { llmConfig } from "../../support/llm-config.js";

const tick = () => new Promise<void>((resolve) => setImmediate(resolve));

test("32 completions start at once, the others in order in the next ticks of the event loop", async () => {
  const { http } = llmConfig("http://127.0.0.1:1");
  const parts = { env: {}, now: Date.now, steadyNow: performance.now, random: Math.random, observe: () => {} };
  const admission = new Admission(http, parts);
  let started = 0;
  const start = () => void (admission.start()?.then(() => started++) ?? started++);
  for (let calls = 0; calls < 80; calls++) start();
  const counts = [started];
  for (let ticks = 0; ticks < 2; ticks++) {
    await tick();
    counts.push(started);
  }
  for (let calls = 0; calls < 17; calls++) start();
  counts.push(started);
  await tick();
  expect([...counts, started]).toEqual([32, 64, 80, 96, 97]);
});
