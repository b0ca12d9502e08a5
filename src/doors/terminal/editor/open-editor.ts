import type { EditorParts, LineEditor, Terminal } from "./editor.js";
import { PlainEditor } from "./plain-editor.js";
import { ScreenEditor } from "./screen-editor.js";

/** Opens an editor in the terminal. If the input is not a terminal, or if its cursor cannot move, the editor reads plain lines. */
export function openEditor(terminal: Terminal, parts: EditorParts): LineEditor {
  return terminal.isTty && !terminal.isDumb ? new ScreenEditor(terminal, parts) : new PlainEditor(terminal);
}
