import { readFileSync } from "node:fs";
import { builtFile } from "../../core/built-file.js";
import type { StoredEvent } from "../../core/events.js";
import { indentedJson } from "../../core/json.js";
import type { ContentPart } from "../../core/messages.js";
import { elapsedText } from "../../core/text/durations.js";
import { escapeHtml } from "./escape.js";
import { endNote, time, turnFacts } from "./export-facts.js";
import { inertJson, pageFrame } from "./export-page.js";
import type { ExportedLog } from "./exported-log.js";
import { markdownToHtml, plain } from "./html-markdown.js";
import { type TranscriptCall, type TranscriptHop, type TranscriptTurn, transcriptTurn } from "./transcript.js";

/**
 * Formats the conversation as a page. All text is escaped. If the trace view has been built, the page also contains the view and the events.
 * Yields the text in pieces.
 */
export async function* toHtml(log: ExportedLog): AsyncGenerator<string> {
  const { conversationId, origins } = log;
  const title = log.title || `Conversation ${conversationId}`;
  const view = traceView();
  const style = `${exportStyle}${view?.style ?? ""}`;
  const { head, foot } = pageFrame({ title, style, hasMedia: true, script: view?.script });
  const from = origins[0] ? `<p class="facts">A copy of ${escapeHtml(origins[0])}</p>` : "";
  yield `${head}<main>\n<h1>${escapeHtml(title)}</h1>${from}\n`;
  for await (const events of log.turns()) yield `${turnHtml(transcriptTurn(events))}\n`;
  yield "</main>\n";
  if (view) yield* dataElement(log);
  yield foot;
}

/** Yields the element with the events, as the trace view reads them. */
async function* dataElement(log: ExportedLog): AsyncGenerator<string> {
  yield `<script type="application/json" id="data">{"conversationId":${inertJson(log.conversationId)},"events":[`;
  let comma = "";
  for await (const event of log.events()) {
    yield comma + inertJson(withoutKept(event));
    comma = ",";
  }
  yield "]}</script>\n";
}

/**
 * Removes data that is of use only to providers, such as signatures and encrypted reasoning. This data can be longer than the rest of the
 * conversation.
 */
function withoutKept(event: StoredEvent): StoredEvent {
  if (event.type !== "assistant_message") return event;
  const { kept: _kept, ...message } = event.message;
  return { ...event, message };
}

function turnHtml(turn: TranscriptTurn): string {
  const note = endNote(turn);
  return [
    "<section>",
    `<time datetime="${new Date(turn.startedAt).toISOString()}">${time(turn.startedAt)} UTC</time>`,
    `<div class="user">${turn.asked.map(partHtml).join("")}</div>`,
    ...turn.hops.map(hopHtml),
    note ? `<p class="note">${escapeHtml(note)}</p>` : "",
    `<p class="facts">${escapeHtml(turnFacts(turn))}</p>`,
    "</section>",
  ]
    .filter(Boolean)
    .join("\n");
}

function hopHtml({ text, reasoning, interrupted, calls }: TranscriptHop): string {
  return [
    reasoning ? `<details class="reasoning"><summary>Reasoning</summary>${plain(reasoning)}</details>` : "",
    text.trim() ? `<div class="assistant">${markdownToHtml(text)}</div>` : "",
    interrupted ? `<p class="note">broke off</p>` : "",
    ...calls.map(callHtml),
  ]
    .filter(Boolean)
    .join("\n");
}

function callHtml({ name, arguments: written, result, durationMs }: TranscriptCall): string {
  const outcome = result ? (result.isError ? "error" : "ok") : "no result";
  const took = durationMs === undefined ? "" : ` · ${elapsedText(durationMs)}`;
  const shown = result ? `<h5>Result</h5>${result.content.map(partHtml).join("")}` : "";
  const failed = result && !result.isError ? "" : " failed";
  return `<details class="call${failed}"><summary><code>${escapeHtml(name)}</code> ${outcome}${took}</summary><h5>Arguments</h5>${plain(indentedJson(written))}${shown}</details>`;
}

/** Types of images that browsers can show and that cannot contain a script. */
const pictures: readonly string[] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

function partHtml(part: ContentPart): string {
  if (part.type === "text") return plain(part.text);
  if (part.type === "resource_link") return `<p>[${escapeHtml(part.uri)}]</p>`;
  if (part.type === "image" && pictures.includes(part.mimeType) && /^[\w+/=-]+$/.test(part.data)) {
    return `<img alt="${part.mimeType}" src="data:${part.mimeType};base64,${part.data}">`;
  }
  return `<p>[${part.type}, ${escapeHtml(part.mimeType)}]</p>`;
}

/** Folder of the trace view for exported files. `npm run build` creates it from src/web/file. */
const folder = builtFile("file-view/");

interface TraceViewFiles {
  script: string;
  style: string;
}

/** Returns the script and style of the trace view. Returns undefined if they have not been built. */
function traceView(): TraceViewFiles | undefined {
  try {
    const [script = "", style = ""] = ["view.js", "view.css"].map((name) =>
      readFileSync(new URL(name, folder), "utf8"),
    );
    return { script, style };
  } catch {
    return undefined;
  }
}

/** Style of the page, for light and dark screens, paper and phones. */
const exportStyle = `
:root { color-scheme: light dark; --ink: #1d2228; --dim: #667079; --page: #fff; --user: #eef3fb; --box: #f5f6f7; --line: #d9dde1; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e3e6e9; --dim: #97a1ab; --page: #16191d; --user: #1f2b3d; --box: #1e2227; --line: #343a41; --bad: #ff8a80 }
}
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.55 system-ui, sans-serif }
main { max-width: 48rem; margin: 0 auto; padding: 1.5rem 1rem }
main h1 { margin: .67em 0; font-size: 1.2rem; overflow-wrap: anywhere }
main p { margin: 1em 0 }
main h4 { margin: 1em 0 .4em }
main h5 { margin: .6rem 0 .2rem; color: var(--dim); font-weight: 600 }
main section { border-top: 1px solid var(--line); padding: 1rem 0 }
main time, main .facts { color: var(--dim); font-size: .8rem }
main .user { background: var(--user); border-radius: .6rem; padding: .6rem .9rem; margin: .5rem 0 }
main .user pre { background: none; padding: 0; margin: 0; font: inherit }
main pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--box); border-radius: .4rem; padding: .6rem .8rem; margin: .4rem 0; font: .85rem/1.5 ui-monospace, monospace }
main code { font: .88em ui-monospace, monospace }
main details { border: 1px solid var(--line); border-radius: .4rem; padding: .35rem .8rem; margin: .5rem 0 }
main summary { cursor: pointer; color: var(--dim) }
main .failed summary, main .note { color: var(--bad) }
main table { border-collapse: collapse; display: block; overflow-x: auto }
main th, main td { border: 1px solid var(--line); padding: .25rem .6rem; text-align: left }
main blockquote { margin: .5rem 0; padding-left: .9rem; border-left: 3px solid var(--line) }
main img { max-width: 100% }
main a { color: inherit }
`;
