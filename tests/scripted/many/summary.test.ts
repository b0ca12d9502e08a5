import { expect, test } from "@jest/globals";
import { plan } from "../../../src/scripted/many/run-plan.js";
import { type RunReport, reportOf, skippedReport } from "../../../src/scripted/many/run-report.js";
import { summaryOf } from "../../../src/scripted/many/summary/run-summary.js";
import { summaryHtml } from "../../../src/scripted/many/summary/summary-html.js";
import { summaryJson } from "../../../src/scripted/many/summary/summary-json.js";
import { summaryMarkdown, summaryTable } from "../../../src/scripted/many/summary/summary-tables.js";
import { resultOf, scriptOf } from "./support.js";

/** Runs a script with two models. The second one fails every fourth time, and its price is not known. */
async function reports(name = "greet", models = ["a/one", "b/zwei-日本"]): Promise<RunReport[]> {
  const runs = await plan([scriptOf(name, { matrix: { models } })], { repeat: 20 });
  const all = runs.map((run, index) => {
    const isSecond = run.model === models[1];
    const more = { passed: !isSecond || index % 4 > 0, durationMs: (index % 20) * 100 + 100 };
    return reportOf(run, resultOf(run, { ...more, model: run.model, ...(isSecond && { costUsd: undefined }) }));
  });
  return [...all, ...runs.slice(0, 1).map(skippedReport)];
}

test("a summary has rates, tokens, cost and times of each model; what never ran does not count", async () => {
  const { all, models, scripts } = summaryOf(await reports());
  const tokens = { inputTokens: 2000, outputTokens: 400 };
  expect(models).toEqual([
    { name: "a/one", runs: 20, passed: 20, ...tokens, costUsd: expect.closeTo(0.2), p50Ms: 1000, p95Ms: 1900 },
    { name: "b/zwei-日本", runs: 20, passed: 15, ...tokens, p50Ms: 1000, p95Ms: 1900 },
  ]);
  expect(all).toMatchObject({ runs: 40, passed: 35 });
  expect(all).not.toHaveProperty("costUsd");
  expect(scripts).toMatchObject([{ name: "greet (greet.session.yaml)", runs: 40 }]);
});

test("of nothing it is still a summary", () => {
  const summary = summaryOf([]);
  expect(summary.all).toMatchObject({ runs: 0, p50Ms: 0, costUsd: 0 });
  expect(summaryHtml(summary)).toContain("0 of 0 runs passed");
});

test("the table lines up, also where characters are wide", async () => {
  expect(summaryTable("model", summaryOf(await reports()).models)).toBe(
    "model        passed   rate  tokens in  out   cost    p50    p95\n" +
      "a/one         20/20  100 %       2000  400  $0.20  1.0 s  1.9 s\n" +
      "b/zwei-日本   15/20   75 %       2000  400      ?  1.0 s  1.9 s\n",
  );
});

test("as JSON what is not known is null", async () => {
  const { models } = JSON.parse(summaryJson(summaryOf(await reports())));
  expect(models[1]).toEqual({
    name: "b/zwei-日本",
    runs: 20,
    passed: 15,
    pass_rate: 0.75,
    input_tokens: 2000,
    output_tokens: 400,
    cost_usd: null,
    p50_ms: 1000,
    p95_ms: 1900,
  });
});

const mean = `"><script>alert(1)</script><img src=x onerror='x'>&\u0000\u202e|[a](javascript:x)\`*`;

test("as HTML nothing of a name becomes mark-up, and nothing is loaded or run", async () => {
  const html = summaryHtml(summaryOf(await reports(mean, [mean, "b/two"])));
  const { XmlDocument } = await import("libxml2-wasm"); // the module initialises itself with a top-level `await`
  const document = XmlDocument.fromString(
    html.replace(/<!doctype html>\n/, "").replaceAll(/<meta [^>]*>/g, (tag) => tag.replace(/>$/, "/>")),
  );
  const names = new Set(document.find("//*").map((node) => ("name" in node ? node.name : "")));
  const used =
    "html head meta title style body main h1 h2 p figure figcaption svg g text rect div table thead tbody tr th td";
  expect([...names].sort()).toEqual(used.split(" ").sort());
  for (const character of ["\u0000", "\u202e"]) expect(html).not.toContain(character);
  expect(document.find("//@src | //@href | //@*[starts-with(name(), 'on')]")).toEqual([]);
  expect(html).toMatch(
    /Content-Security-Policy" content="default-src 'none'; style-src 'sha256-[^']+'; base-uri 'none'; /,
  );
  expect(document.find("//svg//rect").length).toBe(8);
  expect(document.get("//tbody/tr[1]/th")?.content).toContain("<script>alert(1)</script>");
  expect(html).toContain("prefers-color-scheme: dark");
});

test("as Markdown no name leaves its cell or becomes mark-up", async () => {
  const text = summaryMarkdown(summaryOf(await reports(mean, [mean, "b/two"])));
  const rows = text.trim().split("\n").filter(Boolean);
  expect(rows.map((row) => row.match(/\|/g)?.length)).toEqual(rows.map(() => 9));
  expect(text).not.toMatch(/[<>`*[\]()]/);
  expect(text).toContain("b/two | 15/20 | 75 %");
});
