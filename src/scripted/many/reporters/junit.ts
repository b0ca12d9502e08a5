/**
 * Formats results as JUnit XML. Each run becomes a suite, and each step a case. The XML is valid in both common schemas: Jenkins' old JUnit
 * format and the format of its xUnit plugin (junit-10).
 */
import { positionText } from "../../shared/script-position.js";
import type { ManyResult } from "../run-many.js";
import type { RunReport, StepReport } from "../run-report.js";

type Attributes = Readonly<Record<string, string | number>>;

export function resultsJunit({ reports, durationMs }: ManyResult): string {
  const suites = reports.map(suite);
  const total = (key: "tests" | "failures" | "errors") => suites.reduce((sum, { counts }) => sum + counts[key], 0);
  const counts = { tests: total("tests"), failures: total("failures"), errors: total("errors") };
  const body = suites.map(({ xml }) => xml).join("");
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element("testsuites", { name: "mcp-platform", ...counts, time: seconds(durationMs) }, `\n${body}`)}`;
}

function suite(report: RunReport) {
  const { name, position, model, vars, durationMs, transcript } = report;
  const cases = casesOf(report);
  const count = (status: Case["status"]) => cases.filter((each) => each.status === status).length;
  const counts = { tests: cases.length, failures: count("failure"), errors: count("error"), skipped: count("skipped") };
  const facts = { file: positionText(position), ...(model && { model }), ...variables(vars) };
  const properties = Object.entries(facts).map(([key, value]) => element("property", { name: key, value }));
  const xml = element(
    "testsuite",
    { name, package: position.file, ...counts, time: seconds(durationMs) },
    `\n${element("properties", {}, `\n${properties.join("")}`)}${cases.map((each) => caseXml(each, position.file)).join("")}` +
      (transcript === undefined ? "" : element("system-out", {}, escapeXml(`transcript: ${transcript}`))),
  );
  return { counts, xml };
}

function variables(vars: RunReport["vars"]): Record<string, string> {
  const written = Object.entries(vars).map(([key, value]) => [`var.${key}`, String(JSON.stringify(value))]);
  return Object.fromEntries(written);
}

interface Case {
  name: string;
  durationMs: number;
  status: "passed" | "failure" | "error" | "skipped";
  /** Kind of the error, or type of the failed assertion. */
  type?: string;
  text?: string;
}

/** Returns a case for each step. An error that does not belong to a step gets a case of its own. */
function casesOf({ status, steps, error, durationMs }: RunReport): Case[] {
  if (status === "skipped") return [{ name: "the run", durationMs: 0, status: "skipped" }];
  const whole: Case[] = error
    ? [
        {
          name: "the run",
          durationMs,
          status: "error",
          type: error.kind,
          text: `${error.message}\n${error.hint}`.trim(),
        },
      ]
    : [];
  return [...steps.map(caseOf), ...whole];
}

function caseOf({ name, position, status, durationMs, error, failures }: StepReport, index: number): Case {
  const base = { name: `${index + 1}. ${name}`, durationMs };
  if (status !== "failed") return { ...base, status };
  const reasons = failures.map(({ position: at, type, reason }) => `${positionText(at)} ${type}: ${reason}`);
  if (error) {
    const text = [`${positionText(position)} ${error.message}`, error.hint, ...reasons].filter(Boolean).join("\n");
    return { ...base, status: "error", type: error.kind, text };
  }
  return { ...base, status: "failure", type: failures[0]?.type ?? "failed", text: reasons.join("\n") };
}

function caseXml({ name, durationMs, status, type = "", text = "" }: Case, file: string): string {
  const [message = ""] = text.split("\n");
  const inner =
    status === "passed"
      ? ""
      : status === "skipped"
        ? element("skipped")
        : element(status, { type, message }, escapeXml(text));
  return element("testcase", { name, classname: file, time: seconds(durationMs) }, inner && `\n${inner}`);
}

function element(name: string, attributes: Attributes = {}, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${escapeXml(String(value))}"`);
  return content ? `<${name}${written.join("")}>${content}</${name}>\n` : `<${name}${written.join("")}/>\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}

/** Escapes a text for XML. Characters that XML 1.0 cannot contain, even as a reference, become U+FFFD. */
function escapeXml(text: string): string {
  return text
    .replaceAll(/(?![\n\t])\p{Cc}|\p{Cs}|[\ufffe\uffff]/gu, "\ufffd")
    .replaceAll(/[&<>"'\n\t\u202a-\u202e\u2066-\u2069]/g, (character) => `&#${character.charCodeAt(0)};`);
}
