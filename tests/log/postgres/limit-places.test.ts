import { expect, test } from "@jest/globals";
import { Outage } from "../../../src/log/postgres/connection/outage.js";
import { Places, type PlacesGiven } from "../../../src/log/postgres/limits/limit-places.js";

const never = new AbortController().signal;

/** Returns places whose database grants each request, up to `max`, when the test releases its answer. */
function placesOf(max: number) {
  const said: { used: number; waiting: number; answer: () => void }[] = [];
  let asOf = 0;
  const places = new Places({
    max,
    live: async () => {},
    say: ({ used, waiting }) =>
      new Promise<PlacesGiven & { isWanted: boolean }>((resolve) => {
        const given = { places: Math.min(max, used + waiting), asOf: ++asOf, isWanted: false };
        said.push({ used, waiting, answer: () => resolve(given) });
      }),
    isLive: () => true,
    outage: new Outage(
      () => 0,
      () => {},
    ),
    now: () => 0,
  });
  return { places, said };
}

const turns = async (count: number) => {
  for (let done = 0; done < count; done++) await undefined;
};

test.each(Array.from({ length: 16 }, (_, index) => index))(
  "who comes %d microtasks after an answer of the database is announced to it, and not when somebody looks again",
  async (after) => {
    const { places, said } = placesOf(2);
    const first = places.acquire(never, 1_000);
    await turns(8);
    said[0]?.answer();
    await turns(after);
    const second = places.acquire(never, 1_000);
    await turns(32);
    expect(said.map(({ used, waiting }) => [used, waiting])).toEqual([
      [0, 1],
      [1, 1],
    ]);
    said[1]?.answer();
    await Promise.all([first, second]);
  },
);
