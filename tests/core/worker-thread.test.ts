import { expect, test } from "@jest/globals";
import { WorkerThread } from "../../src/core/async/worker-thread.js";

/** A thread that answers with the question, fails at the question "fail", and ends at the question "end". */
function echoing(): WorkerThread<string, string> {
  const code = `
    import { parentPort } from "node:worker_threads";
    parentPort.on("message", (question) => {
      if (question === "fail") throw new Error("it failed");
      if (question === "end") process.exit(1);
      parentPort.postMessage(question);
    });`;
  return new WorkerThread(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
}

test("questions are answered in order", async () => {
  const thread = echoing();
  expect(await Promise.all(["a", "b", "c"].map((question) => thread.ask(question)))).toEqual(["a", "b", "c"]);
});

test.each([
  ["fail", "it failed"],
  ["end", "its thread has ended"],
])("a question that ends the thread (%s) does not affect other questions", async (bad, why) => {
  const thread = echoing();
  const asked = ["before", bad, "after"].map((question) => thread.ask(question));
  await expect(asked[1]).rejects.toThrow(why);
  expect(await asked[0]).toBe("before");
  expect(await asked[2]).toBe("after");
});
