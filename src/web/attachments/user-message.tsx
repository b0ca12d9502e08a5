import type { ComponentChildren } from "preact";
import type { WrittenMessage } from "../api/attached-file.js";
import { visibleText } from "../markdown/visible.js";
import { onDemand } from "../shared/view-on-demand.js";

export const MessageFiles = onDemand(async () => (await import("./attached-files.js")).AttachedFiles);

export function UserMessage({ text, files, children }: WrittenMessage & { children?: ComponentChildren }) {
  return (
    <div class="said">
      {(text || files.length === 0) && <p>{visibleText(text) || <span class="quiet">(no text)</span>}</p>}
      {files.length > 0 && <MessageFiles files={files} />}
      {children}
    </div>
  );
}
