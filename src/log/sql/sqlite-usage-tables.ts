/** The counters of usage in a file: its tables, and the triggers that keep the totals. */
import { isMark } from "./common-statements.js";
import { numberIn } from "./sqlite-place.js";
import {
  allInBacklog,
  columnsOf,
  daysTotalled,
  familyIndex,
  type UsageKind,
  usageKinds,
  usageSpans,
} from "./usage-tables.js";

function tablesOf({ rows, totals, keys, counts }: UsageKind): string[] {
  const key = keys.join(", ");
  return [
    `DROP TABLE IF EXISTS ${rows}`,
    `DROP TABLE IF EXISTS ${totals}`,
    `CREATE TABLE ${rows} (at integer NOT NULL, number integer NOT NULL, counted integer NOT NULL, ${columnsOf(keys, "text")},
       ${columnsOf(counts, "real")}, PRIMARY KEY (at, number, counted, ${key})) STRICT, WITHOUT ROWID`,
    `CREATE TABLE ${totals} (span integer NOT NULL, at integer NOT NULL, ${columnsOf(keys, "text")},
       ${columnsOf(counts, "real")}, PRIMARY KEY (span, at, ${key})) STRICT, WITHOUT ROWID`,
  ];
}

function triggersOf({ rows, totals, keys, counts }: UsageKind): string[] {
  const names = [...keys, ...counts];
  const added = usageSpans.map(
    (span) => `(${span}, NEW.at / ${span} * ${span}, ${names.map((name) => `NEW.${name}`).join(", ")})`,
  );
  const sameKeys = keys.map((name) => `${name} = OLD.${name}`).join(" AND ");
  const removed = usageSpans.map((span) => {
    const isTotal = `span = ${span} AND at = OLD.at / ${span} * ${span} AND ${sameKeys}`;
    const less = counts.map((name) => `${name} = ${name} - OLD.${name}`).join(", ");
    return `UPDATE ${totals} SET ${less} WHERE ${isTotal}; DELETE FROM ${totals} WHERE ${isTotal} AND ${counts[0]} = 0;`;
  });
  return [
    `DROP TRIGGER IF EXISTS ${rows}_added`,
    `DROP TRIGGER IF EXISTS ${rows}_removed`,
    `CREATE TRIGGER ${rows}_added AFTER INSERT ON ${rows} BEGIN
       INSERT INTO ${totals} (span, at, ${names.join(", ")}) VALUES ${added.join(", ")}
       ON CONFLICT DO UPDATE SET ${counts.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")};
     END`,
    `CREATE TRIGGER ${rows}_removed AFTER DELETE ON ${rows} BEGIN ${removed.join(" ")} END`,
  ];
}

/** Empties the counters, for SQLite. All conversations are then in the backlog. The tables are made anew, because that is fastest. */
export const sqliteEmptied = [
  ...usageKinds.flatMap((kind) => [...tablesOf(kind), ...triggersOf(kind)]),
  "DELETE FROM usage_backlog",
  "UPDATE conversations SET counted = 0",
  `INSERT INTO usage_backlog (below, counted, conversations) ${allInBacklog}`,
];

/** Step of the migration, for SQLite. */
export const sqliteUsage = [
  "ALTER TABLE conversations ADD COLUMN counted integer NOT NULL DEFAULT 0",
  "ALTER TABLE conversations ADD COLUMN family text",
  `UPDATE conversations SET family = found.root
     FROM (SELECT ${numberIn()} AS copy, json_extract(payload, '$.origins[#-1]') AS root FROM entries WHERE ${isMark("entries")} AND type = 'fork')
       AS found
     WHERE found.copy = conversations.number`,
  familyIndex,
  "CREATE TABLE summaries (id integer NOT NULL PRIMARY KEY, at integer NOT NULL) STRICT",
  "CREATE INDEX summaries_at ON summaries (at)",
  `CREATE TRIGGER entries_summarised AFTER INSERT ON entries WHEN NEW.type = 'compaction' BEGIN
     INSERT INTO summaries (id, at) VALUES (NEW.id, NEW.at);
   END`,
  "CREATE TABLE usage_backlog (below integer NOT NULL, counted integer NOT NULL, conversations integer NOT NULL) STRICT",
  ...sqliteEmptied,
];

/** Later step of the migration, for SQLite: totals of days. */
export const sqliteDayTotals = usageKinds.flatMap((kind) => [...triggersOf(kind), ...daysTotalled(kind)]);
