// Kills its process with SIGKILL right before or after the n-th event of a conversation is sent to PostgreSQL: KILL_AT="before 3" | "after
// 3". "after" means: the server has answered, and this process has not read the answer. Events that are stored together are counted one by
// one. With KILL_COUNT=FILE the number of events is written to that file.
import { writeFileSync } from "node:fs";
import { Socket } from "node:net";

const [when, at] = (process.env.KILL_AT ?? "never 0").split(" ");
/** Matches the start of an event in a statement's values. The event may be a text or, quoted, the member of a list. */
const event =
  /\{\\?"type\\?":\\?"(user_message|assistant_message|tool_call|tool_sent|tool_result|state_lost|turn_end|turn_error)\\?"/g;
const write = Socket.prototype.write;
let events = 0;

Socket.prototype.write = function (chunk, ...rest) {
  const text = typeof chunk === "string" ? chunk : Buffer.from(chunk).toString();
  // Only PostgreSQL messages that bind values have zero bytes; texts of HTTP do not.
  const count = text.includes("\0") ? (text.match(event)?.length ?? 0) : 0;
  const isNow = Number(at) > events && Number(at) <= events + count;
  events += count;
  if (isNow && when === "before") process.kill(process.pid, "SIGKILL");
  if (isNow && when === "after") this.prependListener("data", () => process.kill(process.pid, "SIGKILL"));
  if (count > 0 && process.env.KILL_COUNT) writeFileSync(process.env.KILL_COUNT, String(events));
  return write.call(this, chunk, ...rest);
};
