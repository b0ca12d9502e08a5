import type { Api } from "../api/client.js";

export interface UsageProps {
  api: Api;
}

export function UsageView(_: UsageProps) {
  return (
    <section class="page">
      <h1>Usage</h1>
      <p class="quiet">Tokens and cost by day and model are not shown here yet.</p>
    </section>
  );
}
