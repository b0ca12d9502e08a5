/**
 * The steps that create and migrate the schema, for both databases. Loaded only if the log is new or outdated, because loading Kysely takes
 * longer than opening the log.
 */
import {
  type CreateTableBuilder,
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type SchemaModule,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  sql,
} from "kysely";
import { limitFunctions, limitTables } from "./postgres/limit-functions.js";
import { applicationId } from "./schema-version.js";
import { idOf, numberIn, numberOf, seqOf } from "./sqlite/place.js";

export type Dialect = "sqlite" | "postgres";

/** SQL statements that run in one transaction. */
export type Step = readonly string[];

/**
 * Returns all steps. The version of a log is the number of steps that have run on it (`user_version` of a file). New steps may only be
 * appended. `payload`, `options` and `mail` are JSON in text columns, because PostgreSQL's JSON type refuses some valid JSON. Data that is
 * searched or must be unique has a column of its own.
 */
export function stepsOf(dialect: Dialect): readonly Step[] {
  const schema = schemaOf(dialect);
  const isSqlite = dialect === "sqlite";
  const key = isSqlite ? "integer" : "bigserial";
  /** Type of columns that hold a time in ms since the epoch. */
  const time = isSqlite ? "integer" : "bigint";
  const strict = <Table extends string, Columns extends string>(table: CreateTableBuilder<Table, Columns>) =>
    isSqlite ? table.modifyEnd(sql`strict`) : table;
  return [
    [
      ...sqlOf(
        schema
          .createTable("events")
          .addColumn("id", key, (column) => column.primaryKey())
          .addColumn("conversation_id", "text", (column) => column.notNull())
          .addColumn("seq", "integer", (column) => column.notNull())
          .addColumn("turn_id", "text", (column) => column.notNull())
          .addColumn("type", "text", (column) => column.notNull())
          .addColumn("request_id", "text")
          .addColumn("payload", "text", (column) => column.notNull())
          .addColumn("at", time, (column) => column.notNull())
          .addUniqueConstraint("events_seq", ["conversation_id", "seq"])
          .addUniqueConstraint("events_request", ["conversation_id", "request_id"])
          .$call(strict),
        schema.createIndex("events_turn").on("events").columns(["conversation_id", "turn_id", "seq"]),
      ),
      ...(isSqlite ? [`PRAGMA application_id = ${applicationId}`] : []),
    ],
    sqlOf(
      // Position of an event in its turn. A process that finds its position taken knows that another process writes to the turn.
      schema.alterTable("events").addColumn("position", "integer"),
      schema
        .createIndex("events_position")
        .unique()
        .on("events")
        .columns(["conversation_id", "turn_id", "position"])
        .where(sql.ref("position"), "is not", null),
      // Index for computing the cost of a day.
      schema
        .createIndex("events_answers")
        .on("events")
        .column("at")
        .where(sql.ref("type"), "=", sql.lit("assistant_message")),
      // `state` is queued, running, ended or failed (the turn continues if its request is repeated). `place` orders the turns of a
      // conversation.
      schema
        .createTable("turns")
        .addColumn("conversation_id", "text", (column) => column.notNull())
        .addColumn("turn_id", "text", (column) => column.notNull())
        .addColumn("request_id", "text", (column) => column.notNull())
        .addColumn("state", "text", (column) => column.notNull())
        .addColumn("place", "integer", (column) => column.notNull())
        .addColumn("node_id", "text")
        .addColumn("fence", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("crashes", "integer", (column) => column.notNull().defaultTo(0))
        .addColumn("workspace", "text", (column) => column.notNull())
        .addColumn("options", "text", (column) => column.notNull())
        .addPrimaryKeyConstraint("turns_key", ["conversation_id", "turn_id"])
        .$call(strict),
      schema
        .createIndex("turns_open")
        .on("turns")
        .columns(["conversation_id", "place"])
        .where(sql.ref("state"), "in", sql`('queued', 'running')`),
      schema
        .createTable("nodes")
        .addColumn("node_id", "text", (column) => column.primaryKey().notNull())
        .addColumn("machine", "text", (column) => column.notNull())
        .addColumn("pid", "integer", (column) => column.notNull())
        .addColumn("seen_at", time, (column) => column.notNull())
        .$call(strict),
      schema
        .createTable("mail")
        .addColumn("id", key, (column) => column.primaryKey())
        .addColumn("conversation_id", "text", (column) => column.notNull())
        .addColumn("turn_id", "text", (column) => column.notNull())
        .addColumn("mail", "text", (column) => column.notNull())
        .$call(strict),
      // Tool results that are too large for a request. The model reads them in pieces.
      schema
        .createTable("results")
        .addColumn("result_id", "text", (column) => column.primaryKey().notNull())
        .addColumn("conversation_id", "text", (column) => column.notNull())
        .addColumn("text", "text", (column) => column.notNull())
        .addColumn("at", time, (column) => column.notNull())
        .$call(strict),
      schema.createIndex("results_conversation").on("results").column("conversation_id"),
    ),
    sqlOf(
      // Index of the few events that change which events belong to a conversation.
      schema
        .createIndex("events_marks")
        .on("events")
        .columns(["conversation_id", "seq"])
        .where(sql.ref("type"), "in", sql`('fork', 'rewind')`),
    ),
    sqlOf(
      // The version is explained at `foldVersion`.
      schema.alterTable("turns").addColumn("fold", "integer", (column) => column.notNull().defaultTo(1)),
    ),
    // Tables for hosts that share a database, but not a machine.
    [
      ...sqlOf(schema.alterTable("nodes").addColumn("version", "text")),
      ...(isSqlite ? [] : [...limitTables, ...limitFunctions, ...tasks]),
    ],
    sqlOf(
      // `question_id` is the question that the mail answers; a question gets only one answer. `fence` is that of the owner to which the
      // mail was delivered.
      schema.alterTable("mail").addColumn("question_id", "text"),
      schema.alterTable("mail").addColumn("fence", "integer"),
      schema
        .createIndex("mail_answers")
        .unique()
        .on("mail")
        .columns(["conversation_id", "turn_id", "question_id"])
        .where(sql.ref("question_id"), "is not", null),
    ),
    isSqlite ? fewerIndexes : [],
    isSqlite ? conversationsTogether : [],
    isSqlite ? [] : noticeKey,
  ];
}

/**
 * Removes indexes. A write becomes a third cheaper, because each index means one more page to write. The events of a turn can be found from
 * its request on, and only requests are searched by id. PostgreSQL keeps its indexes, because the rebuild of the table would block its
 * hosts.
 */
const fewerIndexes = [
  `CREATE TABLE events_anew (id integer NOT NULL PRIMARY KEY, conversation_id text NOT NULL, seq integer NOT NULL, turn_id text NOT NULL,
     type text NOT NULL, request_id text, payload text NOT NULL, at integer NOT NULL, position integer,
     CONSTRAINT events_seq UNIQUE (conversation_id, seq)) STRICT`,
  `INSERT INTO events_anew SELECT id, conversation_id, seq, turn_id, type, request_id, payload, at, position FROM events ORDER BY id`,
  "DROP TABLE events",
  "ALTER TABLE events_anew RENAME TO events",
  "CREATE UNIQUE INDEX events_request ON events (conversation_id, request_id) WHERE request_id IS NOT NULL",
  "CREATE INDEX events_answers ON events (at) WHERE type = 'assistant_message'",
  "CREATE INDEX events_marks ON events (conversation_id, seq) WHERE type IN ('fork', 'rewind')",
];

/**
 * Stores the events of a conversation next to each other, see `sqlite-place.ts`. `touched` orders conversations by their last change. The
 * view `events` looks like the old table, for people who query the file.
 */
const conversationsTogether = [
  `CREATE TABLE conversations (number integer NOT NULL PRIMARY KEY, conversation_id text NOT NULL UNIQUE, touched integer NOT NULL) STRICT`,
  `INSERT INTO conversations (conversation_id, touched) SELECT conversation_id, max(id) FROM events GROUP BY conversation_id ORDER BY min(id)`,
  `CREATE TABLE entries (id integer NOT NULL PRIMARY KEY, turn_id text NOT NULL, type text NOT NULL, request_id text, payload text NOT NULL,
     at integer NOT NULL, position integer) STRICT`,
  `INSERT INTO entries SELECT ${idOf("number", "seq")} AS place, turn_id, type, request_id, payload, at, position
     FROM conversations CROSS JOIN events USING (conversation_id) ORDER BY number, seq`,
  "DROP TABLE events",
  "CREATE INDEX entries_request ON entries (request_id) WHERE request_id IS NOT NULL",
  "CREATE INDEX entries_answers ON entries (at) WHERE type = 'assistant_message'",
  "CREATE INDEX entries_marks ON entries (id) WHERE type IN ('fork', 'rewind')",
  "ALTER TABLE turns ADD COLUMN conversation_number integer",
  `UPDATE turns SET conversation_number = ${numberOf("turns.conversation_id")}`,
  `CREATE VIEW events AS SELECT id, conversation_id, ${seqOf()} AS seq, turn_id, type, request_id, payload, at, position
     FROM entries JOIN conversations ON number = ${numberIn()}`,
];

/** The key for `postgres/notice-seal.ts`: 244 random bits. */
const noticeKey = [
  "CREATE TABLE notice_key (key text NOT NULL)",
  "REVOKE ALL ON notice_key FROM PUBLIC",
  "INSERT INTO notice_key SELECT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '')",
];

/** Last start of each task that all hosts share, so that only one host starts it when it is due. */
const tasks = ["CREATE TABLE tasks (name text PRIMARY KEY, begun_at bigint NOT NULL)"];

/** Returns a schema builder that only produces SQL and never runs it. */
function schemaOf(dialect: Dialect): SchemaModule {
  const isSqlite = dialect === "sqlite";
  return new Kysely<unknown>({
    dialect: {
      createAdapter: () => (isSqlite ? new SqliteAdapter() : new PostgresAdapter()),
      createDriver: () => new DummyDriver(),
      createIntrospector: (db) => (isSqlite ? new SqliteIntrospector(db) : new PostgresIntrospector(db)),
      createQueryCompiler: () => (isSqlite ? new SqliteQueryCompiler() : new PostgresQueryCompiler()),
    },
  }).schema;
}

function sqlOf(...statements: { compile(): { sql: string } }[]): string[] {
  return statements.map((statement) => statement.compile().sql);
}
