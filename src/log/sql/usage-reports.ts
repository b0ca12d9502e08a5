import type { ConversationUsage, ModelUsage, Period, ToolUsage, UsageCounters } from "../../core/usage-store.js";
import { rangesOf, type usageStatements } from "./usage-statements.js";

/** Runs a query and resolves with its rows. */
type ReadRows = <Row extends object>(sql: string, values?: readonly (string | number)[]) => Promise<Row[]>;

/** The reports of `UsageCounters`, read from the counters of a database. */
export class UsageReports implements UsageCounters {
  readonly #statements: (typeof usageStatements)["sqlite"];
  readonly #rows: ReadRows;

  constructor(statements: (typeof usageStatements)["sqlite"], rows: ReadRows) {
    this.#statements = statements;
    this.#rows = rows;
  }

  models(periods: readonly Period[]): Promise<ModelUsage[]> {
    return this.#rows(this.#statements.models, [rangesOf(periods)]);
  }

  tools(periods: readonly Period[]): Promise<ToolUsage[]> {
    return this.#rows(this.#statements.tools, [rangesOf(periods)]);
  }

  async conversations({ since, until }: Period, most: number) {
    const { conversations } = this.#statements;
    const rows = await this.#rows<ConversationUsage & { lines: number }>(conversations, [since, until, most]);
    return { conversations: rows.map(({ lines: _, ...row }) => row), all: rows[0]?.lines ?? 0 };
  }

  async first(): Promise<number | undefined> {
    const [row] = await this.#rows<{ at: number | null }>(this.#statements.first);
    return row?.at ?? undefined;
  }
}
