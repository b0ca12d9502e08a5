import { expect, test } from "@jest/globals";
import { KeyRing } from "../../../src/llm/limits/key-ring.js";

const inTurn = (ring: KeyRing, count: number) => Array.from({ length: count }, () => ring.next());

test("keys are used in turn; a provider without keys is asked without one", () => {
  expect(inTurn(new KeyRing(["a", "b", "c"], () => 0), 5)).toEqual(["a", "b", "c", "a", "b"]);
  expect(inTurn(new KeyRing([], () => 0), 2)).toEqual([undefined, undefined]);
});

test("a conversation stays with its key, on every host, unless the key rests", () => {
  let now = 0;
  const [ring, elsewhere] = [0, 1].map(() => new KeyRing(["a", "b", "c"], () => now)) as [KeyRing, KeyRing];
  const names = Array.from({ length: 20 }, (_, index) => `conversation ${index}`);
  const used = names.map((name) => ring.next(name));
  expect(new Set(used).size).toBe(3);
  expect(inTurn(ring, 2)).toEqual(["a", "b"]);
  expect(names.map((name) => ring.next(name))).toEqual(used);
  expect(names.map((name) => elsewhere.next(name))).toEqual(used);
  ring.rest("b", 100);
  expect(names.map((name) => ring.next(name))).toEqual(used.map((key) => (key === "b" ? "c" : key)));
  now = 100;
  expect(names.map((name) => ring.next(name))).toEqual(used);
});

test("a key that rests is passed over until its time", () => {
  let now = 0;
  const ring = new KeyRing(["a", "b", "c"], () => now);
  expect(ring.rest("b", 100)).toBe(true);
  expect(inTurn(ring, 4)).toEqual(["a", "c", "a", "c"]);
  now = 100;
  expect(inTurn(ring, 3)).toEqual(["a", "b", "c"]);
});

test("if all keys rest, the one that is ready first is used", () => {
  const ring = new KeyRing(["a", "b"], () => 0);
  expect([ring.rest("a", 200), ring.rest("b", 100)]).toEqual([true, false]);
  expect(inTurn(ring, 2)).toEqual(["b", "b"]);
});

test("the last usable key stays in use, so that the provider itself says what is wrong", () => {
  const ring = new KeyRing(["a", "b"], () => 0);
  expect([ring.rest("a", Infinity), ring.rest("b", Infinity)]).toEqual([true, false]);
  expect(inTurn(ring, 2)).toEqual(["b", "b"]);
  expect(new KeyRing(["a"], () => 0).rest("a", Infinity)).toBe(false);
});

test("logs name a key by its number", () => {
  expect(new KeyRing(["a", "b"], () => 0).numberOf("b")).toBe(2);
});
