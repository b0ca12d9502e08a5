import { visibleText } from "./visible.js";

/** Shows the text of an error, and has it read out. Shows nothing without a text. */
export function Alert({ text }: { text: string | undefined }) {
  if (!text) return null;
  return (
    <p class="card error" role="alert">
      {visibleText(text)}
    </p>
  );
}
