/** Invariants of a schedule that was carried out, whatever happened. Each function returns the violations. */
import type { StoredEvent } from "../../src/core/events.js";
import { textOf as textIn } from "../../src/core/messages.js";
import type { FollowedMessage } from "./cluster.js";
import { custodyOf, hadIt, type TurnOwnership } from "./custody.js";
import type { FaultLane, Outcome } from "./fault-lane.js";
import { type Figures, isSame, isWholeAnswer, type Logs, ofLogs, ofOrder, ofRequests } from "./log-invariants.js";
import { conversationsOf, textOf } from "./schedule.js";

export interface Judgement {
  contradictions: string[];
  figures: Figures;
}

export async function judge(lane: FaultLane, outcome: Outcome): Promise<Judgement> {
  const { schedule } = outcome;
  const conversations = [...new Set(schedule.prompts.map(({ conversationId }) => conversationId))];
  const logs = new Map<string, StoredEvent[]>();
  for (const conversationId of conversations) logs.set(conversationId, await lane.cluster.log(conversationId));
  const custody = await custodyOf(lane.cluster, conversationsOf(schedule));
  const figures = { turns: 0, takeovers: 0, repeated: 0, unaware: 0, cancelled: 0, crashed: 0, unknownOutcomes: 0 };
  const contradictions = [
    ...outcome.fallen,
    ...ofLogs(logs),
    ...ofOrder(logs),
    ...ofRequests(outcome, logs, figures),
    ...ofSteps(lane, outcome, { logs, custody }, figures),
    ...ofEffects(lane, outcome, logs, figures),
    ...(await ofNodes(lane, outcome, logs)),
    ...(await ofTables(lane, outcome)),
  ];
  return { contradictions, figures };
}

/**
 * The holder of a turn does not repeat a step that is in the log. Another node may repeat a step once for each time that a node lost the
 * turn: a step in flight, or one that the node began before it learnt of the loss.
 */
function* ofSteps(
  lane: FaultLane,
  { requests }: Outcome,
  { logs, custody }: { logs: Logs; custody: readonly TurnOwnership[] },
  figures: Figures,
): Generator<string> {
  const asked = lane.model.asks
    .filter(({ isFailed }) => !isFailed)
    .map(({ key, ...ask }) => ({ ...ask, pid: lane.pidOf(key), tool: "model" }));
  const looked = lane.calls.filter(({ tool }) => tool === "look");
  for (const { prompt } of requests.values()) {
    const log = logs.get(prompt.conversationId) ?? [];
    const turnId = log.find((event) => event.type === "user_message" && event.requestId === prompt.name)?.turnId ?? "";
    const own = log.filter((event) => event.turnId === turnId);
    const ofTurn = ({ step }: { step: string }) => step.startsWith(`${textOf(prompt)}#`);
    const doneAt = new Map<string, number>();
    for (const [hop, { at }] of own.filter(isWholeAnswer).entries()) doneAt.set(`model ${textOf(prompt)}#${hop}`, at);
    for (const [hop, { at }] of own.filter(({ type }) => type === "tool_result").entries())
      doneAt.set(`look ${textOf(prompt)}#${hop}`, at);
    const holders = custody.filter((each) => each.turnId === turnId && each.pid !== null);
    const takeovers = Math.max(0, holders.length - 1);
    figures.takeovers += takeovers;
    const done = [...asked, ...looked].filter(ofTurn).sort((one, other) => one.at - other.at);
    const seen = new Set<string>();
    let repeated = 0;
    for (const { tool, step, pid, at } of done) {
      const name = `${tool} ${step}`;
      const isAware = hadIt(custody, turnId, pid, at);
      if (seen.has(name)) {
        repeated++;
        if (!isAware) figures.unaware++;
        const isDone = (doneAt.get(name) ?? Number.MAX_VALUE) < at;
        if (isDone && isAware) yield `${name} was in the log when process ${pid}, which had the turn, did it again`;
      }
      seen.add(name);
    }
    figures.repeated += repeated;
    if (repeated > takeovers) yield `${prompt.name} repeated ${repeated} steps, and changed hands ${takeovers} times`;
  }
}

/** A booking that the log reports as done was made once, and no booking was made twice. Every result in the log matches the calls. */
function* ofEffects({ calls }: FaultLane, { requests }: Outcome, logs: Logs, figures: Figures): Generator<string> {
  for (const { prompt } of requests.values()) {
    const log = logs.get(prompt.conversationId) ?? [];
    const turnId = log.find((event) => event.type === "user_message" && event.requestId === prompt.name)?.turnId;
    for (const [hop, tool] of [...prompt.plan].entries()) {
      const result = log.find(
        (event) => event.type === "tool_result" && event.turnId === turnId && event.callId === `call_${hop}`,
      );
      const step = `${textOf(prompt)}#${hop}`;
      const times = calls.filter((call) => call.step === step).length;
      const said = result?.type === "tool_result" ? textIn(result.content) : "";
      const isGood = result?.type === "tool_result" && !result.isError;
      if (tool === "b" && times > 1) yield `${step} was booked ${times} times`;
      if (isGood && (times === 0 || !said.endsWith(`${step}: done`)))
        yield `${step} is said to be done (${said}), and was ${times} times`;
      if (result && !isGood) {
        figures.unknownOutcomes++;
        if (tool === "l" && !/cancel/i.test(said)) yield `${step} could have been repeated, and was not: ${said}`;
      }
    }
  }
}

/** All nodes return the same messages, and no follower has seen others. A repeated request gets its turn again. */
async function ofNodes(lane: FaultLane, { requests, watched }: Outcome, logs: Logs): Promise<string[]> {
  const found: string[] = [];
  for (const [conversationId, log] of logs) {
    const [first, ...others] = await Promise.all(lane.listening.map((node) => node.history(conversationId)));
    const messages = (first ?? []).filter(({ status }) => status === "chunk");
    if (!others.every((other) => isSame(other, first))) found.push(`the nodes differ on ${conversationId}`);
    if (messages.at(-1)?.seq !== log.length)
      found.push(`${conversationId} ends at ${messages.at(-1)?.seq} for the nodes`);
    for (const each of watched.filter((view) => view.conversationId === conversationId)) {
      const seen = each.messages.filter(({ seq }) => seq !== undefined);
      const isTrue = isSame(seen, messages.slice(0, seen.length));
      if (!isTrue) found.push(`a follower of ${conversationId} saw ${shownDifference(seen, messages)}`);
    }
  }
  const asks = lane.model.asks.length;
  const all = [...requests.values()];
  for (const [index, { prompt, turnIds }] of all.entries()) {
    const { listening } = lane;
    const node = listening[index % listening.length];
    // A node that has lost the turn may not know yet that the turn has ended.
    await lane.cluster.until(async () => {
      const again = await node?.submit(prompt.conversationId, prompt.name, textOf(prompt));
      if (again && !turnIds.has(again.turn_id)) found.push(`${prompt.name} again is ${again.turn_id}`);
      return again?.cached === true;
    });
  }
  if (lane.model.asks.length > asks) found.push("the model was asked for requests that had their answer");
  return found;
}

function shownDifference(seen: readonly FollowedMessage[], messages: readonly FollowedMessage[]): string {
  const index = seen.findIndex((message, place) => !isSame(message, messages[place]));
  return `${JSON.stringify(seen[index])} and not ${JSON.stringify(messages[index])}`;
}

/** Tables have no rows left of ended turns, and no duplicates. */
async function ofTables(lane: FaultLane, { schedule }: Outcome): Promise<string[]> {
  const of = [conversationsOf(schedule)];
  // A node may have queued a turn again just when it ended.
  const unfinished = `SELECT FROM dbos.workflow_status WHERE starts_with(workflow_uuid, $1) AND status IN ('ENQUEUED', 'PENDING')`;
  await lane.cluster.until(async () => (await lane.cluster.query(unfinished, of)).length === 0);
  const left = await Promise.all([
    lane.cluster.query(
      `SELECT turn_id, position, count(*) FROM events WHERE starts_with(conversation_id, $1) AND position IS NOT NULL
       GROUP BY conversation_id, turn_id, position HAVING count(*) > 1`,
      of,
    ),
    lane.cluster.query(
      "SELECT turn_id, state, node_id FROM turns WHERE starts_with(conversation_id, $1) AND (state <> 'ended' OR node_id IS NOT NULL)",
      of,
    ),
    lane.cluster.query("SELECT * FROM mail WHERE starts_with(conversation_id, $1)", of),
    // DBOS records ERROR where the database was away in the moment when the turn ended. The turn's own row says that it has ended.
    lane.cluster.query(
      "SELECT workflow_uuid, status FROM dbos.workflow_status WHERE starts_with(workflow_uuid, $1) AND status NOT IN ('SUCCESS', 'ERROR')",
      of,
    ),
  ]);
  return left.flat().map((row) => `left behind: ${JSON.stringify(row)}`);
}
