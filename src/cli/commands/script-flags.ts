/** The flags of `run FILE.session.yaml …`, and the check whether `run` was called with session files or a prompt. */

import { resolve } from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { RequestError } from "../../core/errors.js";
import { parseJson } from "../../core/json.js";
import { couldBeScripts, isScriptArgument } from "../../scripted/many/find-scripts.js";
import { reporterNames, type SummaryFormat, summaryFormatOf } from "../../scripted/many/output-formats.js";
import type { ReportTarget } from "../../scripted/many/reporters/open-reporters.js";
import { appended, positive } from "../shared/flags.js";

interface SummaryTarget {
  path: string;
  format: SummaryFormat;
}

export interface ScriptFlags {
  model?: string;
  var?: Record<string, unknown>;
  record?: boolean;
  replay?: boolean;
  recordMissing?: boolean;
  speed?: "full" | "recorded";
  fault?: string[];
  jobs?: number;
  bail?: boolean;
  grep?: string;
  repeat?: number;
  update?: boolean;
  reporter?: ReportTarget[];
  output?: string;
  summary?: SummaryTarget[];
  transcripts?: string;
}

const heading = "Options for *.session.yaml files:";
/** Highest number of sessions that may run at the same time. More would overload a machine or a provider. */
const maxJobs = 64;
/** Highest number of repeats. There is a limit because all runs are planned in memory before the first one begins. */
const maxRepeats = 999_999;

/** Adds the flags for session files. The help lists these flags in a separate group. */
export function addScriptOptions(command: Command): Command {
  return command
    .optionsGroup(heading)
    .option("--var <name=value>", "variable of a session file, JSON or text; repeatable", variable)
    .addOption(
      new Option("--record", "record the traffic with models and servers into the cassette").conflicts("replay"),
    )
    .addOption(
      new Option(
        "--replay",
        "play the cassette without a model or a server (default if CI is set and there is a cassette)",
      ).conflicts("recordMissing"),
    )
    .addOption(
      new Option("--record-missing", "play the cassette, and record the requests that it does not have").conflicts(
        "record",
      ),
    )
    .addOption(
      new Option("--speed <speed>", "speed of a replay: without or with the recorded pauses")
        .choices(["full", "recorded"])
        .conflicts("record"),
    )
    .addOption(
      new Option("--fault <fault>", "fault to add to a replay: llm[1]=429, mcp.fs[2]=crash; repeatable")
        .argParser(appended)
        .conflicts("record"),
    )
    .option(
      "--jobs <n>",
      `number of sessions at a time, up to ${maxJobs} (default: one for each processor, at most 8)`,
      atMost(maxJobs),
    )
    .option("--bail", "start no further session after a failure; running sessions finish")
    .option("--grep <regex>", "run only sessions whose name contains this text")
    .addOption(
      new Option("--repeat <n>", "run each session this many times")
        .argParser(atMost(maxRepeats))
        .conflicts(["record", "recordMissing", "update"]),
    )
    .option("--update", "write the actual value into each `equals` assertion that fails")
    .option(
      "--reporter <name[=file]>",
      `${reporterNames.join(", ")} (default: pretty), to stdout or to a file; repeatable`,
      reporter,
    )
    .option("--output <file>", "write the report into this file instead of to stdout", absolute)
    .option("--summary <file>", "write a summary by model and by script as .html, .json or .md; repeatable", summary)
    .option(
      "--transcripts <folder>",
      "write the transcript of every session into this folder (default: of failed sessions, into a new folder)",
      absolute,
    );
}

/**
 * Returns true if the words are session files and not a prompt. Throws RequestError if a word could be a session file as well as a prompt.
 */
export function areScripts(words: readonly string[]): boolean {
  const cwd = process.cwd();
  if (words.some((word) => isScriptArgument(word, cwd))) return true;
  const doubtful = words.find((word) => couldBeScripts(word, cwd));
  if (doubtful === undefined) return false;
  throw new RequestError("usage", `${doubtful} may be a prompt, and is also the name of session files here`, {
    hint: `Write ./${doubtful} to run the files; a prompt can also be piped in.`,
  });
}

/** Ends with a usage error if a flag for prompts was given with session files, or a flag for session files with a prompt. */
export function refuseStrayFlags(command: Command, isForScripts: boolean): void {
  const stray = command.options.find((option) => {
    const isGiven = command.getOptionValueSource(option.attributeName()) === "cli";
    return isGiven && option.long !== "--model" && (option.helpGroupHeading === heading) !== isForScripts;
  });
  if (stray) command.error(`error: ${stray.long} is for ${isForScripts ? "a prompt" : "*.session.yaml files"}`);
}

function atMost(most: number): (text: string) => number {
  return (text) => {
    const count = positive(text);
    if (count <= most) return count;
    throw new InvalidArgumentError(`at most ${most}`);
  };
}

function absolute(path: string): string {
  return resolve(path);
}

function summary(path: string, all: SummaryTarget[] = []): SummaryTarget[] {
  const format = summaryFormatOf(path);
  if (format) return [...all, { path: resolve(path), format }];
  throw new InvalidArgumentError("the file's name must end with .html, .json or .md");
}

function reporter(text: string, all: ReportTarget[] = []): ReportTarget[] {
  const [, word = "", file] = /^([^=]*)(?:=(.+))?$/s.exec(text) ?? [];
  const name = reporterNames.find((known) => known === word);
  if (!name) throw new InvalidArgumentError(`one of ${reporterNames.join(", ")} is expected`);
  return [...all, { name, ...(file !== undefined && { file: resolve(file) }) }];
}

function variable(text: string, all: Record<string, unknown> = {}): Record<string, unknown> {
  const [, name, value = ""] = /^([A-Za-z_]\w*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("name=value is expected");
  return { ...all, [name]: jsonOrText(value) };
}

/**
 * Returns the value of a text that is JSON, otherwise the text. A number that JavaScript would write differently (1.10, or one with too
 * many digits) stays a text.
 */
function jsonOrText(text: string): unknown {
  const value = parseJson(text);
  return value === undefined || (typeof value === "number" && String(value) !== text.trim()) ? text : value;
}
