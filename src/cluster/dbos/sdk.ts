/**
 * All uses of DBOS Transact in this program, by its public API only. tests/nodes/dbos-contract.slow.test.ts checks that DBOS behaves as
 * expected. DBOS is a global object of the process, so a process can have only one running instance.
 */
import { AsyncLocalStorage } from "node:async_hooks";
import type { ClientBase, Pool } from "pg";
import { messageOf, StoreError } from "../../core/errors.js";
import { installationOf, isNotInstalled } from "../../core/files/optional-packages.js";
import type { Observe } from "../../core/ports.js";
import type { QueuedTurn, TurnName } from "../../core/turn-leases.js";

/** Name under which DBOS stores the rows of this program. */
const application = "mcp-platform";
/**
 * Application version for DBOS, which gives work only to executors of the same version. It never changes, because the name of the queue
 * already says which hosts can resume a turn.
 */
const version = "1";
const workflow = "turn";
/** Schema of the database for DBOS's own tables. It is separate from the schema of this program. */
const schema = "dbos";
/** Database URL that DBOS requires. It is not used, because DBOS is given a pool. */
const unusedUrl = "postgres://unused@unused:5432/unused";
/** Time between two polls of a queue, in ms. It is short, because DBOS runs only while turns that have lost their host wait. */
const pollMs = 200;
/** Time between two polls, in ms, of the schedules of DBOS, which this program does not use. */
const seldomMs = 3_600_000;
/** Time in ms between two checks whether DBOS has recorded the end of a workflow, and the time in s after which the checks stop. */
const recordingMs = 50;
const recordingLimitS = 10;
/**
 * Number of retries that DBOS allows, so large that there is no limit in effect. The turn's lease decides whether the turn is tried again,
 * because the lease records whether the turn had begun.
 */
const anyNumber = 2 ** 31 - 2;

interface LaunchParts {
  pool: Pool;
  nodeId: string;
  /** Names of the queues whose turns this process can resume. */
  queues: readonly string[];
  /** Maximum number of turns that a process has at a time. */
  slots: number;
  observe: Observe;
  /** Takes over a turn that was given to this process. The process keeps the turn's ticket until the promise resolves. */
  run: (turn: TurnName, workflowId: string) => Promise<void>;
}

/** A turn that is in the queue or was given to a host. */
export interface Ticket {
  workflowId: string;
  nodeId: string;
  isGiven: boolean;
  /**
   * True if the turn was given to this process but does not run here. Either it is about to run, or this process never received the answer
   * by which the database gave it the turn.
   */
  isUnheard: boolean;
}

/**
 * Checks that the package of DBOS is installed. Must be called before all other functions: the package is optional, because only hosts that
 * share a database need it. Rejects with StoreError.
 */
export async function ensureInstalled(): Promise<void> {
  try {
    await import("@dbos-inc/dbos-sdk");
  } catch (error) {
    if (!isNotInstalled(error)) throw error;
    const message = "an event log on PostgreSQL needs the package @dbos-inc/dbos-sdk, which is not installed";
    throw new StoreError("open", message, { hint: installationOf("@dbos-inc/"), cause: error });
  }
}

/**
 * Creates or updates DBOS's tables, which DBOS does when it is launched. Must not run in two processes at the same time, nor while this
 * process uses DBOS.
 */
export async function migrateSystemTables(pool: Pool, observe: Observe): Promise<void> {
  const { DBOS } = await import("@dbos-inc/dbos-sdk");
  DBOS.setConfig({ ...settings(pool, "migration", [], observe), runMigrations: true });
  try {
    await DBOS.launch();
  } finally {
    await DBOS.shutdown();
  }
}

/** True if DBOS could not be launched, perhaps because its tables do not exist or are of an older version. */
export async function isUnlaunched(error: unknown): Promise<boolean> {
  const { Error: errors } = await import("@dbos-inc/dbos-sdk");
  return error instanceof errors.DBOSInitializationError;
}

/** Opens a client, which can enqueue and give back turns even while DBOS is not launched. */
async function openClient(pool: Pool, observe: Observe) {
  const { DBOSClient } = await import("@dbos-inc/dbos-sdk");
  return DBOSClient.create({
    systemDatabaseUrl: unusedUrl,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: schema,
    applicationName: application,
    logger: loggerTo(observe),
  });
}

/** Opens the queue for enqueueing turns within transactions of the caller. Processes that take no turns can use it too. */
export async function openQueue(pool: Pool, observe: Observe) {
  const client = await openClient(pool, observe);
  /**
   * Enqueues a turn. Does nothing if the workflow id exists already. Turns of the same conversation are given to hosts one after another,
   * in the order of `place`.
   */
  return async (transaction: ClientBase, queue: string, workflowId: string, turn: QueuedTurn): Promise<void> => {
    const { conversationId, turnId, requestId, place } = turn;
    const options = {
      queueName: queue,
      workflowName: workflow,
      workflowID: workflowId,
      appVersion: version,
      queuePartitionKey: conversationId,
      priority: place,
    };
    await client.enqueueInTransaction(transaction, options, { conversationId, turnId, requestId });
  };
}

/** The launched instance, and the workflows that run in it. */
let current: { parts: LaunchParts; running: Set<{ workflowId: string }> } | undefined;
let isRegistered = false;

/** Launches DBOS, which then gives turns of the queues to this process. Must not be called while DBOS is already launched. */
export async function launch(parts: LaunchParts) {
  const { DBOS, Error: errors } = await import("@dbos-inc/dbos-sdk");
  const { pool, nodeId, queues, slots, observe } = parts;
  const here = { parts, running: new Set<{ workflowId: string }>() };
  current = here;
  if (!isRegistered) {
    // The turn runs outside the context of the DBOS workflow. Otherwise DBOS would record the turn's own calls of DBOS as steps of the
    // workflow.
    const outside = AsyncLocalStorage.snapshot();
    const run = async (turn: TurnName) => {
      const known = { workflowId: DBOS.workflowID ?? "" };
      const instance = current;
      instance?.running.add(known);
      try {
        await outside(() => instance?.parts.run(turn, known.workflowId));
      } finally {
        instance?.running.delete(known);
      }
    };
    DBOS.registerWorkflow(run, { name: workflow, maxRecoveryAttempts: anyNumber });
    isRegistered = true;
  }
  DBOS.setConfig({ ...settings(pool, nodeId, queues, observe), runMigrations: false });
  try {
    await DBOS.launch();
    const limits = { partitionConcurrency: 1, workerConcurrency: slots, minPollingIntervalMs: pollMs };
    await Promise.all(queues.map((name) => DBOS.registerQueue(name, { ...limits, onConflict: "always_update" })));
  } catch (error) {
    await DBOS.shutdown();
    throw error;
  }
  const client = await openClient(pool, observe);

  return {
    /** Resolves when DBOS has recorded the end of the workflow. From then on, the next turn of the same conversation can be given. */
    async written(workflowId: string): Promise<void> {
      const wait = { pollingIntervalMs: recordingMs, timeoutSeconds: recordingLimitS };
      await DBOS.getResult(workflowId, wait).catch(() => {}); // without a recorded end, DBOS gives the turn again: its host sees the end
    },
    /** Puts the unfinished turns of the given host back into the queue. Works after `shutdown` too. */
    async giveBack(other: string): Promise<void> {
      for (;;) {
        const given = await client.listWorkflows({
          workflowName: workflow,
          executorId: other,
          status: "PENDING",
          loadInput: false,
          loadOutput: false,
        });
        try {
          for (const queueName of new Set(given.map((each) => each.queueName))) {
            const ids = given.filter((each) => each.queueName === queueName).map(({ workflowID }) => workflowID);
            await client.resumeWorkflows(ids, { queueName });
          }
          return;
        } catch (error) {
          if (!(error instanceof errors.DBOSNonExistentWorkflowError)) throw error; // deleted since it was listed
        }
      }
    },
    /** Returns the tickets of all turns that are in the queue or given to a host. */
    async tickets(): Promise<Ticket[]> {
      const found = await DBOS.listWorkflows({
        workflowName: workflow,
        status: ["ENQUEUED", "PENDING"],
        loadInput: false,
        loadOutput: false,
      });
      const running = new Set([...here.running].map(({ workflowId }) => workflowId));
      return found.map(({ workflowID: workflowId, executorId = "", status }) => {
        const isGiven = status === "PENDING";
        const isUnheard = isGiven && executorId === nodeId && !running.has(workflowId);
        return { workflowId, nodeId: executorId, isGiven, isUnheard };
      });
    },
    /** Returns the ids of workflows that ended before the given time and are not deleted yet, the oldest first. */
    async ended(before: Date, limit: number): Promise<string[]> {
      const found = await DBOS.listWorkflows({
        workflowName: workflow,
        status: ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
        completedBefore: before.toISOString(),
        limit,
        loadInput: false,
        loadOutput: false,
      });
      return found.map(({ workflowID }) => workflowID);
    },
    async delete(workflowIds: readonly string[]): Promise<void> {
      await client.deleteWorkflows([...workflowIds]);
    },
    /** Stops giving turns to this process. Does not wait for running turns. */
    async shutdown(): Promise<void> {
      await DBOS.shutdown();
      if (current === here) current = undefined;
    },
  };
}

export type Launched = Awaited<ReturnType<typeof launch>>;

function settings(pool: Pool, nodeId: string, queues: readonly string[], observe: Observe) {
  return {
    name: application,
    applicationVersion: version,
    executorID: nodeId,
    systemDatabaseUrl: unusedUrl,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: schema,
    useListenNotify: false,
    listenQueues: [...queues],
    schedulerPollingIntervalMs: seldomMs,
    enableOTLP: false,
    logger: loggerTo(observe),
  };
}

/**
 * Returns a logger for DBOS. DBOS's own logger writes to stdout, which is reserved for output. The logger reports each message one level
 * lower, because DBOS logs warnings even for failures that it will retry.
 */
function loggerTo(observe: Observe) {
  const to = (level: "debug" | "info" | "warn") => (entry: unknown) =>
    observe({ level, scope: "dbos", message: messageOf(entry) });
  return { debug: to("debug"), info: to("info"), warn: to("info"), error: to("warn") };
}
