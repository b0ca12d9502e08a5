import { describe, expect, test } from "@jest/globals";
import { randomFrom } from "../../support/fuzz.js";
import { runs } from "../../support/runs.js";
import { Network } from "./network.js";

const seeds = Array.from({ length: 300 }, (_, seed) => seed);

describe("when messages between processes are lost, delayed or reordered", () => {
  test.each([0, 100, 200])("only what was written is shown, and at the end what is stored (seeds from %i)", (first) => {
    let shownEarly = 0;
    let voided = 0;
    for (const seed of seeds.slice(first, first + runs(100))) {
      const network = new Network(randomFrom(seed));
      for (let steps = 0; steps < 800; steps++) {
        network.step();
        for (const { shown } of network.readers) {
          const isWritten = network.tries.some(
            ({ text, reasoning }) => text.startsWith(shown.text) && reasoning.startsWith(shown.reasoning),
          );
          if (!isWritten) throw new Error(`seed ${seed}: "${shown.text}" was never written`);
        }
      }
      network.stores();
      const stored = network.log.flatMap((event) =>
        event.type === "assistant_message"
          ? [{ text: event.message.content, reasoning: event.message.reasoning ?? "" }]
          : [],
      );
      for (const reader of network.readers) {
        reader.look();
        expect({ seed, final: reader.final }).toEqual({ seed, final: stored });
        shownEarly += reader.early;
        voided += reader.seen.filter(({ type }) => type === "discard").length;
      }
    }
    expect(shownEarly).toBeGreaterThan(runs(1000));
    expect(voided).toBeGreaterThan(runs(100));
  });
});

describe("when messages between processes arrive", () => {
  test("everything is shown before it is stored, and nothing twice", () => {
    const network = new Network(randomFrom(1), 1);
    const [reader] = network.readers;
    reader?.look();
    for (let hop = 0; hop < 20; hop++) {
      let said = "";
      for (let n = 0; n < 20; n++) {
        network.say();
        network.tell();
        network.settle();
        reader?.take();
        expect((reader?.shown.text ?? "").startsWith(said)).toBe(true);
        said = reader?.shown.text ?? "";
      }
      const before = reader?.seen.length ?? 0;
      network.stores();
      reader?.look();
      expect(reader?.seen.slice(before).map(({ type }) => type)).toEqual(["assistant_message"]);
      expect(reader?.final[hop]?.text).toBe(said);
    }
    expect(reader?.seen.some(({ type }) => type === "discard")).toBe(false);
  });

  test("a lost delta comes with the next message after it was requested", () => {
    const network = new Network(randomFrom(2), 1);
    const [reader] = network.readers;
    reader?.look();
    const tellAll = () => {
      for (let n = 0; n < 20; n++) network.tell();
    };
    for (let n = 0; n < 50; n++) network.say();
    tellAll();
    network.lose();
    for (let n = 0; n < 10; n++) network.say();
    tellAll();
    network.settle(); // the deltas before these are missing
    reader?.take();
    expect(reader?.shown.text).toBe("");
    network.ask();
    network.settle();
    tellAll();
    network.settle();
    reader?.take();
    expect(reader?.shown).toEqual(network.written);
  });

  test("a turn that ends while it waits leaves the output of the running turn complete", () => {
    const network = new Network(randomFrom(3), 1);
    const [reader] = network.readers;
    reader?.look();
    network.say();
    network.tell();
    network.settle();
    reader?.take();
    const seq = network.log.length + 1;
    network.log.push({ type: "user_message", turnId: "t2", requestId: "r2", content: [], seq, at: seq });
    network.log.push({ type: "turn_end", turnId: "t2", stopReason: "cancelled", seq: seq + 1, at: seq });
    reader?.look();
    network.say();
    network.tell();
    network.settle();
    reader?.take();
    expect(reader?.shown).toEqual(network.written);
    expect(reader?.seen.some(({ type }) => type === "discard")).toBe(false);
  });
});
