import { expect, test } from "@jest/globals";
import { CrashQuarantine } from "../../src/cluster/crash-quarantine.js";

const [a, b] = ["a", "b"].map((name) => ({ conversationId: name, turnId: name })) as [
  Record<"conversationId" | "turnId", string>,
  Record<"conversationId" | "turnId", string>,
];

/** Returns suspects, the conversations that they have woken, and a function that waits for the next waking. */
function suspectsOf() {
  const woken: string[] = [];
  let wake = () => {};
  const suspects = new CrashQuarantine((conversationId) => {
    woken.push(conversationId);
    wake();
  });
  const watch = () => {
    const happened = new Promise<void>((resolve) => {
      wake = resolve;
    });
    return { happened, [Symbol.dispose]() {} };
  };
  return { suspects, woken, watch };
}

test("one turn enters at a time, and a refused turn is woken when the first one has left", () => {
  const { suspects, woken } = suspectsOf();
  expect([suspects.admit(a), suspects.admit(a), suspects.admit(b)]).toEqual([true, true, false]);
  suspects.leave(b);
  expect(woken).toEqual([]);
  suspects.leave(a);
  expect(woken).toEqual(["b"]);
  expect(suspects.admit(b)).toBe(true);
});

test("while one turn waits for a person another one runs, and the first continues when that one has left", async () => {
  const { suspects, watch } = suspectsOf();
  suspects.admit(a);
  const order: string[] = [];
  const work = async () => {
    order.push(`b enters: ${suspects.admit(b)}`);
    return "yes";
  };
  const answered = suspects.leaveDuring(a, { work, watch, signal: new AbortController().signal }).then((answer) => {
    order.push(answer);
  });
  await new Promise((next) => setImmediate(next));
  expect(order).toEqual(["b enters: true"]);
  suspects.leave(b);
  await answered;
  expect(suspects.admit(b)).toBe(false);
});

test("a turn of which one of two questions is answered waits until the other turn has left", async () => {
  const { suspects, watch } = suspectsOf();
  suspects.admit(a);
  const order: string[] = [];
  const { signal } = new AbortController();
  const unanswered = suspects.leaveDuring(a, { work: () => new Promise(() => {}), watch, signal });
  const answered = suspects.leaveDuring(a, { work: async () => suspects.admit(b), watch, signal }).then(() => {
    order.push("a continues");
  });
  await new Promise((next) => setImmediate(next));
  order.push("b leaves");
  suspects.leave(b);
  await answered;
  expect(order).toEqual(["b leaves", "a continues"]);
  void unanswered;
});

test("a turn that is cancelled while it waits to continue stops waiting", async () => {
  const { suspects, watch } = suspectsOf();
  suspects.admit(a);
  const cancelled = new AbortController();
  const work = async () => suspects.admit(b);
  const answered = suspects.leaveDuring(a, { work, watch, signal: cancelled.signal });
  await new Promise((next) => setImmediate(next));
  cancelled.abort();
  expect(await answered).toBe(true);
  suspects.leave(a);
  expect(suspects.admit(a)).toBe(false);
});
