/** The counters of usage in a file: its tables, and the triggers that keep the totals. */
import { columnsOf, type UsageKind, usageKinds, usageSpans } from "./usage-tables.js";

function tablesOf({ rows, totals, keys, counts }: UsageKind): string[] {
  const key = keys.join(", ");
  return [
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
    `CREATE TRIGGER ${rows}_added AFTER INSERT ON ${rows} BEGIN
       INSERT INTO ${totals} (span, at, ${names.join(", ")}) VALUES ${added.join(", ")}
       ON CONFLICT DO UPDATE SET ${counts.map((name) => `${name} = ${name} + excluded.${name}`).join(", ")};
     END`,
    `CREATE TRIGGER ${rows}_removed AFTER DELETE ON ${rows} BEGIN ${removed.join(" ")} END`,
  ];
}

export const sqliteUsage = usageKinds.flatMap((kind) => [...tablesOf(kind), ...triggersOf(kind)]);
