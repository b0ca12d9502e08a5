/** Parts of the host that only a chat in a terminal uses. */
import { join } from "node:path";
import { configuredSecrets } from "../../config/reading/secrets.js";
import { stateFolder } from "../../core/files/state-folder.js";
import type { ChatHost } from "../../doors/terminal/options.js";
import type { App } from "../../host/app.js";
import { openApprovals } from "../../host/user-state.js";
import { permissionsText } from "../../session/commands/approvals-text.js";

export function chatHost(app: App): ChatHost {
  const { orchestrator } = app;
  const approvals = openApprovals(process.env, () => {});
  return {
    models: () => app.models(),
    contextWindow: (model) => orchestrator.facts(model).contextWindow,
    historyFile: join(stateFolder(process.env, "chat"), "history.jsonl"),
    secrets: configuredSecrets(app.config, process.env),
    permissions: () => permissionsText(app.config.chat.service, approvals.list()),
  };
}
