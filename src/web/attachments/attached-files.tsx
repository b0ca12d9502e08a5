import type { AttachedFile } from "../api/attached-file.js";
import { SentLink, SentMedia } from "../markdown/media.js";
import { visibleText } from "../markdown/visible.js";
import { shownBytes } from "../shared/format-text.js";

interface AttachedFilesProps {
  files: readonly AttachedFile[];
  /** Undefined if the files cannot be removed. */
  onRemove?: (file: AttachedFile) => void;
}

export function AttachedFiles({ files, onRemove }: AttachedFilesProps) {
  return (
    <ul class="files" aria-label="Files">
      {files.map((file) => (
        <li>
          <Shown file={file} />
          {onRemove && (
            <button type="button" class="plain" onClick={() => onRemove(file)}>
              Remove<span class="unseen"> {visibleText(file.name)}</span>
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

function Shown({ file }: { file: AttachedFile }) {
  const { kind, name, bytes } = file;
  const label = (
    <>
      {visibleText(name)} <span class="quiet">{shownBytes(bytes)}</span>
    </>
  );
  switch (kind) {
    case "link":
      return <SentLink uri={file.uri} name={name} />;
    case "text":
      return (
        <details>
          <summary class="small">{label}</summary>
          <pre>{visibleText(file.text)}</pre>
        </details>
      );
    case "file":
      return <span class="small">{label}</span>;
    default:
      return (
        <figure>
          <SentMedia type={kind} data={file.data} mime_type={file.mime_type} text={name} />
          <figcaption class="small">{label}</figcaption>
        </figure>
      );
  }
}
