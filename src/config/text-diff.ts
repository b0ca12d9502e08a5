/** Differences between two texts, in the format of `diff -u`. */

const contextLines = 3;

interface Line {
  mark: " " | "-" | "+";
  text: string;
}

/**
 * Returns the differences, or "" if there are none. The cost grows with the product of the line counts of both texts between the first and
 * the last difference.
 */
export function unifiedDiff(before: string, after: string, file: string): string {
  const lines = compared(linesOf(before), linesOf(after));
  const hunks: string[] = [];
  let old = 1;
  let fresh = 1;
  let from = 0;
  const shown = lines.map((_, index) =>
    lines.slice(Math.max(0, index - contextLines), index + contextLines + 1).some(({ mark }) => mark !== " "),
  );
  while (from < lines.length) {
    const to = shown.indexOf(!shown[from], from);
    const part = lines.slice(from, to < 0 ? lines.length : to);
    const oldCount = part.filter(({ mark }) => mark !== "+").length;
    const freshCount = part.filter(({ mark }) => mark !== "-").length;
    if (shown[from]) {
      const head = `@@ -${oldCount ? old : old - 1},${oldCount} +${freshCount ? fresh : fresh - 1},${freshCount} @@`;
      hunks.push(head, ...part.map(({ mark, text }) => mark + text));
    }
    old += oldCount;
    fresh += freshCount;
    from += part.length;
  }
  return hunks.length === 0 ? "" : [`--- ${file}`, `+++ ${file}`, ...hunks, ""].join("\n");
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function compared(before: readonly string[], after: readonly string[]): Line[] {
  const shorter = Math.min(before.length, after.length);
  let start = 0;
  while (start < shorter && before[start] === after[start]) start++;
  let end = 0;
  while (end < shorter - start && before.at(-1 - end) === after.at(-1 - end)) end++;
  const same = (texts: readonly string[]): Line[] => texts.map((text) => ({ mark: " ", text }));
  return [
    ...same(before.slice(0, start)),
    ...longestCommon(before.slice(start, before.length - end), after.slice(start, after.length - end)),
    ...same(before.slice(before.length - end)),
  ];
}

function longestCommon(before: readonly string[], after: readonly string[]): Line[] {
  const width = after.length + 1;
  const common = new Uint32Array((before.length + 1) * width);
  const at = (i: number, j: number) => common[i * width + j] ?? 0;
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      common[i * width + j] = before[i] === after[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: Line[] = [];
  let i = 0;
  let j = 0;
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      lines.push({ mark: " ", text: before[i++] ?? "" });
      j++;
    } else if (i < before.length && (j === after.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ mark: "-", text: before[i++] ?? "" });
    } else lines.push({ mark: "+", text: after[j++] ?? "" });
  }
  return lines;
}
