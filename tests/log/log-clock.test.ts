import { expect, test } from "@jest/globals";
import { LogClock } from "../../src/log/postgres/log-clock.js";

const year = 365 * 24 * 60 * 60 * 1000;

test.each([
  ["as this machine's, where both agree", [10_000], 10_000],
  ["as this machine's, where they differ by what the way may take", [10_900], 10_000],
  ["as the database's, where this machine's is late", [year], year],
  ["as the database's, where this machine's is ahead", [-year], -year],
  ["steady, where answers take their time", [year, year - 400, year + 700], year],
  ["as the database's again, once its clock was set", [year, 10_300], 10_300],
])("the log's time is %s", (_, heard, expected) => {
  const clock = new LogClock(
    () => 10_000,
    () => 50.3,
  );
  for (const time of heard) clock.correct(time);
  expect(clock.now()).toBe(expected);
});

test.each([
  [-year, "was ahead"],
  [year, "was late"],
])("the log's time continues while this machine's clock is set by %d ms, because it %s", (setBy) => {
  let [wall, steady] = [10_000 - setBy, 0];
  const clock = new LogClock(
    () => wall,
    () => steady,
  );
  clock.correct(10_000);
  wall += setBy;
  steady += 200;
  expect(clock.now()).toBe(10_200);
});
