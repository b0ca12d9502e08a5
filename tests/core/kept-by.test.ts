import { describe, expect, test } from "@jest/globals";
import { keptBy } from "../../src/core/kept-by.js";

describe("what is kept by an object", () => {
  test("is found by that object alone, and replaced by what is kept later", () => {
    const texts = keptBy<object, string>();
    const one = {};
    texts.set(one, "first");
    texts.set(one, "second");
    expect([texts.get(one), texts.get({})]).toEqual(["second", undefined]);
  });

  test("is nobody else's: others that keep something by the same object have their own", () => {
    const texts = keptBy<object, string>();
    const sizes = keptBy<object, number>();
    const one = {};
    texts.set(one, "text");
    sizes.set(one, 4);
    expect([texts.get(one), sizes.get(one)]).toEqual(["text", 4]);
  });

  test("is not seen in the object, nor copied with it", () => {
    const texts = keptBy<object, string>();
    const one = { a: 1, list: [1] };
    texts.set(one, "text");
    texts.set(one.list, "text");
    expect(Reflect.ownKeys(one)).toEqual(["a", "list"]);
    expect(JSON.stringify(one)).toBe('{"a":1,"list":[1]}');
    const copies = [{ ...one }, structuredClone(one), Object.assign({}, one)];
    expect(copies.map((copy) => texts.get(copy))).toEqual([undefined, undefined, undefined]);
  });

  test("is nothing where nothing can be added to the object", () => {
    const texts = keptBy<object, string>();
    const frozen = Object.freeze({ a: 1 });
    texts.set(frozen, "text");
    expect(texts.get(frozen)).toBeUndefined();
  });
});
