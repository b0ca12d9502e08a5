import { expect, test } from "@jest/globals";
import { idPattern, newId } from "../../src/core/ids.js";
import { traceOf } from "../../src/core/trace-context.js";
import { samplesBy } from "../../src/telemetry/open-receivers.js";

const ids = Array.from({ length: 400 }, () => newId("conv"));

test("an id names its kind, can be found in a text, and is unique", () => {
  expect(new Set(ids).size).toBe(ids.length);
  expect([...ids.join(" ").matchAll(idPattern)].map(([id, prefix]) => [id, prefix])).toEqual(
    ids.map((id) => [id, "conv"]),
  );
});

test("ids sort in the order of their creation, by the millisecond", () => {
  const times = ids.map((id) => id.slice(0, "conv_".length + 12));
  expect(times).toEqual(times.toSorted());
  expect(Number.parseInt(times[0]?.slice("conv_".length) ?? "", 16)).toBeGreaterThan(Date.parse("2026-01-01"));
});

test("a sampling ratio of a half takes half of the ids that are made at the same time", () => {
  const samples = samplesBy({ OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" });
  const sampled = ids.filter((id) => traceOf(id, { samples }).isSampled);
  expect(sampled.length).toBeGreaterThan(100);
  expect(sampled.length).toBeLessThan(300);
});
