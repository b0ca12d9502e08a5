import type { Api } from "../api/host-client.js";
import { listApprovals, takeBackApproval } from "../api/host-setup.js";
import { useLoaded } from "../api/use-loaded.js";
import { Alert } from "../markdown/alert.js";
import { visibleText } from "../markdown/visible.js";

/** The remembered answers about tools, each of which can be taken back. */
export function KeptApprovals({ api }: { api: Api }) {
  const kept = useLoaded(() => listApprovals(api));
  const approvals = kept.value.value ?? [];
  return (
    <section class="card form" aria-labelledby="kept-approvals">
      <h2 id="kept-approvals">Remembered answers</h2>
      {approvals.length === 0 && (
        <p class="small quiet">None. An answer that you give for a project, or for always, is listed here.</p>
      )}
      <ul class="kept">
        {approvals.map(({ id, server, tool, allow, workspace, answered_at: at }) => {
          const name = visibleText(`${server} · ${tool}`);
          return (
            <li key={id}>
              <span class="name">{name}</span>
              <span class="small quiet">
                {allow ? "allowed" : "denied"}, {workspace === null ? "always" : `in ${visibleText(workspace)}`}, since{" "}
                {new Date(at).toLocaleDateString("en", { dateStyle: "medium" })}
              </span>
              <button
                type="button"
                aria-label={`Take back the answer about ${name}`}
                onClick={() => void kept.act(() => takeBackApproval(api, id))}
              >
                Take back
              </button>
            </li>
          );
        })}
      </ul>
      <Alert text={kept.failure.value} />
    </section>
  );
}
