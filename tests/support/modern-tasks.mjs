/**
 * Tasks of the extension of 2026-07-28. The argument `plan` of the tool `task` lists the results of the polls in order; each is the part of
 * a task that changes. A result that asks for input is repeated until there is an answer; the last result is repeated for ever.
 */
const tasks = new Map();
const extension = "io.modelcontextprotocol/tasks";
const stateless = { createdAt: "2026-08-01T00:00:00Z", lastUpdatedAt: "2026-08-01T00:00:00Z", ttlMs: 60_000 };

export class RpcFailure extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export const taskTool = { name: "task", inputSchema: { type: "object", properties: { plan: { type: "array" } } } };

export function startTask({ plan }, params) {
  if (!params._meta["io.modelcontextprotocol/clientCapabilities"].extensions?.[extension]) {
    throw new RpcFailure(-32021, "missing the tasks extension");
  }
  const taskId = `task ${tasks.size} é`;
  tasks.set(taskId, { plan: [...plan], answers: [] });
  return { resultType: "task", ...stateless, taskId, status: "working", pollIntervalMs: 10 };
}

export const taskAnswers = {
  "tasks/get": ({ taskId }) => {
    const { plan, answers } = known(taskId);
    const [now] = plan;
    if (plan.length > 1 && now.status !== "input_required") plan.shift();
    const text = (block) => ({ ...block, text: block.text.replace("ANSWERS", JSON.stringify(answers)) });
    const result = now.result && { ...now.result, content: now.result.content.map(text) };
    return { ...stateless, taskId, pollIntervalMs: 10, ...now, ...(result && { result }) };
  },
  "tasks/update": ({ taskId, inputResponses }) => {
    const { plan, answers } = known(taskId);
    answers.push(inputResponses);
    if (plan[0].status === "input_required") plan.shift();
    return {};
  },
  "tasks/cancel": ({ taskId }) => {
    known(taskId).plan.splice(0, Number.POSITIVE_INFINITY, { status: "cancelled" });
    return {};
  },
};

function known(taskId) {
  const task = tasks.get(taskId);
  if (!task) throw new RpcFailure(-32602, "Failed to retrieve task: Task not found");
  if (task.plan[0]?.status === "outgrown") throw new RpcFailure(-32022, "unsupported version");
  if (task.plan[0]?.status === "expired") throw new RpcFailure(-32602, "Failed to retrieve task: Task has expired");
  return task;
}
