/** The trace view of the page for a file of its own: what `npm run build` has made of frontends/http/ui/file. */
import { readFileSync } from "node:fs";

/** From here it is the same way in src/ and in dist/. */
const folder = new URL("../../../dist/file-view/", import.meta.url);

interface TraceViewFiles {
  script: string;
  style: string;
}

/** Undefined where it was not built. */
export function traceView(): TraceViewFiles | undefined {
  try {
    const [script = "", style = ""] = ["view.js", "view.css"].map((name) =>
      readFileSync(new URL(name, folder), "utf8"),
    );
    return { script, style };
  } catch {
    return undefined;
  }
}
