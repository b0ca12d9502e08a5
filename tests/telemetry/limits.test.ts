import { describe, expect, test } from "@jest/globals";
import { wantsCollector } from "../../src/host/running-config.js";
import { BoundedValues } from "../../src/telemetry/bounded.js";
import { samplesBy } from "../../src/telemetry/open-receivers.js";

test("what servers and clients choose makes no more than so many time series, each with one short line", () => {
  const values = new BoundedValues(2);
  const seen = ["a", "b", "c", "a", "d"].map((value) => values.of("tool", value));
  expect(seen).toEqual(["a", "b", "_OTHER", "a", "_OTHER"]);
  expect(values.of("model", "c")).toBe("c");
  expect(new BoundedValues().of("tool", `a\nb\u001b[2J${"x".repeat(500)}`)).toMatch(/^a\?b\?\[2Jx{100,125}$/);
});

describe("the sampler of the environment", () => {
  const [low, high] = ["0".repeat(32), "f".repeat(32)];
  const kept = (sampler: string | undefined, argument?: string) => {
    const samples = samplesBy({ OTEL_TRACES_SAMPLER: sampler, OTEL_TRACES_SAMPLER_ARG: argument });
    return [samples(low, undefined), samples(high, undefined), samples(high, true), samples(low, false)];
  };

  test.each([
    [undefined, undefined, [true, true, true, false]],
    ["parentbased_always_on", undefined, [true, true, true, false]],
    ["always_on", undefined, [true, true, true, true]],
    ["always_off", undefined, [false, false, false, false]],
    ["parentbased_always_off", undefined, [false, false, true, false]],
    ["traceidratio", "0.5", [true, false, false, true]],
    ["traceidratio", "0", [false, false, false, false]],
    ["parentbased_traceidratio", "0.5", [true, false, true, false]],
    ["parentbased_traceidratio", "many", [true, true, true, false]],
    ["of_somebody_else", undefined, [true, true, true, false]],
  ])("%s %s", (sampler, argument, expected) => {
    expect(kept(sampler, argument)).toEqual(expected);
  });
});

test.each([
  [{}, {}, false],
  [{ endpoint: "http://c" }, {}, true],
  [{ endpoint: "http://c", enabled: false }, {}, false],
  [{ enabled: true }, {}, true],
  [{}, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c" }, true],
  [{}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c" }, true],
  [{ enabled: false }, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c" }, false],
  [{ enabled: true }, { OTEL_SDK_DISABLED: "true" }, false],
])("with %j and the environment %j there is a collector: %s", (config, env, expected) => {
  expect(wantsCollector(config, env)).toBe(expected);
});
